CREATE TABLE z (ms BIGINT, k STRING, ts AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND) WITH ('connector' = 'events', 'bounded' = 'true');
SELECT window_start, window_time, k, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE z, DESCRIPTOR(ts), INTERVAL '1' DAY)) GROUP BY window_start, window_end, window_time, k;
---- plan
Collect  [append-only, parallelism 1]
│   uid: collect
└─ Calc  [append-only, parallelism 2]
   │   columns: window_start, window_time, k, COUNT(*) AS n
   │   uid: calc-c6921c952c4c382a
   └─ WindowAggregate(k)  [append-only, parallelism 2]
      │   window: TUMBLE(ts, size 1 d)
      │   keys: k
      │   calls: COUNT(*)
      │   state: until the watermark passes the window's end
      │   uid: window-aggregate-d0abd820b002fa56_57a1fe53
      └─ Source(z)  [append-only, parallelism 2]
             columns: k, ts
             watermark: ts AS TO_TIMESTAMP_LTZ(ms, 3) - INTERVAL '1' SECOND
             input: bounded
             uid: source-z
chain 0 x2: Source(z) -> LocalWindowAggregate(k)
chain 1 x2: WindowAggregate(k) -> Calc
chain 2 x1: Collect
edge 0 -> 1: Hash { columns: [2] }
edge 1 -> 2: Single
