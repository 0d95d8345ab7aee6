SELECT DATE_FORMAT(window_start, 'yyyy-MM-dd') AS d, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' HOUR)) WHERE window_end > later GROUP BY window_start, window_end, DATE_FORMAT(window_start, 'yyyy-MM-dd');
---- plan
Collect  [append-only, parallelism 1]
│   uid: collect
└─ Calc  [append-only, parallelism 2]
   │   columns: DATE_FORMAT(window_start, 'yyyy-MM-dd') AS d, COUNT(*) AS n
   │   uid: calc-ceababd1f6d98100
   └─ WindowAggregate(DATE_FORMAT(window_start, 'yyyy-MM-dd'))  [append-only, parallelism 2]
      │   window: TUMBLE(window_end, size 1 h)
      │   keys: DATE_FORMAT(window_start, 'yyyy-MM-dd')
      │   calls: COUNT(*)
      │   state: until the watermark passes the window's end
      │   uid: window-aggregate-bac05fccd3a95a3e_57fc15ed
      └─ Calc  [append-only, parallelism 2]
         │   filter: later < window_end
         │   columns: DATE_FORMAT(window_start, 'yyyy-MM-dd'), window_end - INTERVAL '0.001' SECOND
         │   uid: calc-001d37b8e70adba2
         └─ WindowAssign  [append-only, parallelism 2]
            │   window: TUMBLE(ts, size 1 h)
            │   uid: window-assign-cf87f4d7b779aa9a
            └─ Calc  [append-only, parallelism 2]
               │   columns: later, ts AS $rowtime
               │   uid: calc-98f42db24e2a9c6f
               └─ Source(t)  [append-only, parallelism 2]
                      columns: ts, later
                      watermark: ts AS ts - INTERVAL '5' SECOND
                      input: unbounded
                      uid: source-t
chain 0 x2: Source(t) -> Calc -> WindowAssign -> Calc -> LocalWindowAggregate(DATE_FORMAT(window_start, 'yyyy-MM-dd'))
chain 1 x2: WindowAggregate(DATE_FORMAT(window_start, 'yyyy-MM-dd')) -> Calc
chain 2 x1: Collect
edge 0 -> 1: Hash { columns: [2] }
edge 1 -> 2: Single
