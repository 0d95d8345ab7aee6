SELECT k, window_start, window_end, SUM(b) AS total FROM TABLE(SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '10' MINUTE)) WHERE k <> 'x' GROUP BY k, window_start, window_end;
---- plan
Collect  [append-only, parallelism 1]
│   uid: collect
└─ Calc  [append-only, parallelism 2]
   │   columns: k, window_start, window_end, SUM(b) AS total
   │   uid: calc-57b18130c07e2e16
   └─ WindowAggregate(k)  [append-only, parallelism 2]
      │   window: SESSION(ts, gap 10 min)
      │   keys: k
      │   calls: SUM(b)
      │   state: until the watermark passes the window's end
      │   uid: window-aggregate-ace92852ad9a4636_d40b050c
      └─ Calc  [append-only, parallelism 2]
         │   filter: k <> 'x'
         │   columns: k, ts, b
         │   uid: calc-3b771fad34db202b
         └─ Source(t)  [append-only, parallelism 2]
                columns: k, b, ts
                watermark: ts AS ts - INTERVAL '5' SECOND
                input: unbounded
                uid: source-t
chain 0 x2: Source(t) -> Calc
chain 1 x2: WindowAggregate(k) -> Calc
chain 2 x1: Collect
edge 0 -> 1: Hash { columns: [0] }
edge 1 -> 2: Single
