INSERT INTO f SELECT k, COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' MINUTE)) GROUP BY window_start, window_end, k;
---- plan
Sink(f)  [append-only, parallelism 2]
│   delivery: exactly once: published with checkpoints
│   uid: f
└─ Calc  [append-only, parallelism 2]
   │   columns: k, COUNT(*) AS n
   │   uid: calc-85d29ce159f5e48b
   └─ WindowAggregate(k)  [append-only, parallelism 2]
      │   window: TUMBLE(ts, size 10 min)
      │   keys: k
      │   calls: COUNT(*)
      │   state: until the watermark passes the window's end
      │   uid: window-aggregate-ee82b2c2ba50ed72_57fc15ed
      └─ Source(t)  [append-only, parallelism 2]
             columns: k, ts
             watermark: ts AS ts - INTERVAL '5' SECOND
             input: unbounded
             uid: source-t
chain 0 x2: Source(t) -> LocalWindowAggregate(k)
chain 1 x2: WindowAggregate(k) -> Calc -> Sink(f)
edge 0 -> 1: Hash { columns: [2] }
