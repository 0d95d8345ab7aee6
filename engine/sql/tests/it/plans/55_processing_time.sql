CREATE VIEW timed AS SELECT *, PROCTIME() AS p FROM t;
INSERT INTO f SELECT k, COUNT(*) FROM TABLE(TUMBLE(TABLE timed, DESCRIPTOR(p), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
---- plan
Sink(f)  [append-only, parallelism 2]
│   delivery: exactly once: published with checkpoints
│   uid: f
└─ Calc  [append-only, parallelism 2]
   │   columns: k, COUNT(*) AS n
   │   uid: calc-d97d9bded1d46583
   └─ WindowAggregate(k)  [append-only, parallelism 2]
      │   window: TUMBLE(processing time, size 10 s)
      │   keys: k
      │   calls: COUNT(*)
      │   state: until the clock passes the window's end
      │   uid: window-aggregate-4a7afc3aa081f81e_57fc15ed
      └─ Source(t)  [append-only, parallelism 2]
             columns: k
             watermark: ts AS ts - INTERVAL '5' SECOND
             input: unbounded
             uid: source-t
chain 0 x2: Source(t) -> LocalWindowAggregate(k)
chain 1 x2: WindowAggregate(k) -> Calc -> Sink(f)
edge 0 -> 1: Hash { columns: [0] }
