SELECT k, window_start, window_time FROM TABLE(CUMULATE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' HOUR, INTERVAL '1' DAY));
---- plan
Collect  [append-only, parallelism 1]
│   uid: collect
└─ Calc  [append-only, parallelism 2]
   │   columns: k, window_start, window_time
   │   uid: calc-3cc57b1e063a6113
   └─ WindowAssign  [append-only, parallelism 2]
      │   window: CUMULATE(ts, step 1 h, size 1 d)
      │   uid: window-assign-96fa3a901b7e1ed9
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
