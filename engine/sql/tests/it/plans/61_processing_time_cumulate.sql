CREATE TABLE clicks (k STRING, v INT, p AS PROCTIME()) WITH ('connector' = 'events');
SELECT k, window_start, window_end, MIN(v) AS v FROM TABLE(CUMULATE(TABLE clicks, DESCRIPTOR(p), INTERVAL '1' HOUR, INTERVAL '1' DAY)) GROUP BY k, window_start, window_end;
---- plan
Collect  [append-only, parallelism 1]
│   uid: collect
└─ Calc  [append-only, parallelism 2]
   │   columns: k, window_start, window_end, MIN(v) AS v
   │   uid: calc-9938daaa8c7f63b1
   └─ WindowAggregate(k)  [append-only, parallelism 2]
      │   window: CUMULATE(processing time, step 1 h, size 1 d)
      │   keys: k
      │   calls: MIN(v)
      │   state: until the clock passes the window's end
      │   uid: window-aggregate-c20f9dc90dcc2b03_fdd3ed25
      └─ Source(clicks)  [append-only, parallelism 2]
             columns: k, v
             input: unbounded
             uid: source-clicks
chain 0 x2: Source(clicks) -> LocalWindowAggregate(k)
chain 1 x2: WindowAggregate(k) -> Calc
chain 2 x1: Collect
edge 0 -> 1: Hash { columns: [0] }
edge 1 -> 2: Single
