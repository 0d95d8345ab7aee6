SELECT window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start;
---- plan
Collect  [retract by (window_start), parallelism 1]
│   uid: collect
└─ Calc  [retract by (window_start), parallelism 2]
   │   columns: window_start, COUNT(*) AS EXPR$1
   │   uid: calc-6c435d8d42d545b6
   └─ Aggregate(window_start)  [retract by (window_start), parallelism 2]
      │   keys: window_start
      │   calls: COUNT(*)
      │   state: unbounded: one row for every key there ever was
      │   uid: aggregate-424dfe81e2918b72_57fc15ed
      └─ Calc  [append-only, parallelism 2]
         │   columns: window_start
         │   uid: calc-ff22c8a47453047f
         └─ WindowAssign  [append-only, parallelism 2]
            │   window: TUMBLE(ts, size 1 min)
            │   uid: window-assign-ea5d6a671694ad29
            └─ Calc  [append-only, parallelism 2]
               │   columns: ts AS $rowtime
               │   uid: calc-22acd712103a0cd1
               └─ Source(t)  [append-only, parallelism 2]
                      columns: ts
                      watermark: ts AS ts - INTERVAL '5' SECOND
                      input: unbounded
                      uid: source-t
warning: the state of Aggregate(window_start) grows with every new key and is never dropped: its input has no end; aggregate by windows or set 'table.exec.state.ttl' to bound it
chain 0 x2: Source(t) -> Calc -> WindowAssign -> Calc -> LocalAggregate(window_start)
chain 1 x2: Aggregate(window_start) -> Calc
chain 2 x1: Collect
edge 0 -> 1: Hash { columns: [0] }
edge 1 -> 2: Single
