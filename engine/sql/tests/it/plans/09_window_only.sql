SELECT k, window_start, DATE_FORMAT(window_end, 'HH:mm') AS e FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)) WHERE window_start > TIMESTAMP '2024-01-01 00:00:00';
---- plan
Collect  [append-only, parallelism 1]
│   uid: collect
└─ Calc  [append-only, parallelism 2]
   │   filter: window_start > TIMESTAMP '2024-01-01 00:00:00.000'
   │   columns: k, window_start, DATE_FORMAT(window_end, 'HH:mm') AS e
   │   uid: calc-7069d404fe98f812
   └─ WindowAssign  [append-only, parallelism 2]
      │   window: TUMBLE(ts, size 10 s)
      │   uid: window-assign-4c4d1cbcf4e61282
      └─ Calc  [append-only, parallelism 2]
         │   columns: k, ts AS $rowtime
         │   uid: calc-f323134c2b494d81
         └─ Source(t)  [append-only, parallelism 2]
                columns: k, ts
                watermark: ts AS ts - INTERVAL '5' SECOND
                input: unbounded
                uid: source-t
chain 0 x2: Source(t) -> Calc -> WindowAssign -> Calc
chain 1 x1: Collect
edge 0 -> 1: Single
