SELECT window_start, UPPER(k) AS u, COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end, UPPER(k);
---- plan
Collect  [append-only, parallelism 1]
│   uid: collect
└─ Calc  [append-only, parallelism 2]
   │   columns: window_start, UPPER(k) AS u, COUNT(*) AS EXPR$2
   │   uid: calc-b8cb5d8858c1ad49
   └─ WindowAggregate(UPPER(k))  [append-only, parallelism 2]
      │   window: TUMBLE(ts, size 1 min)
      │   keys: UPPER(k)
      │   calls: COUNT(*)
      │   state: until the watermark passes the window's end
      │   uid: window-aggregate-8788d89b67e9522d_57fc15ed
      └─ Calc  [append-only, parallelism 2]
         │   columns: UPPER(k), ts
         │   uid: calc-ae4db6895918f690
         └─ Source(t)  [append-only, parallelism 2]
                columns: k, ts
                watermark: ts AS ts - INTERVAL '5' SECOND
                input: unbounded
                uid: source-t
chain 0 x2: Source(t) -> Calc -> LocalWindowAggregate(UPPER(k))
chain 1 x2: WindowAggregate(UPPER(k)) -> Calc
chain 2 x1: Collect
edge 0 -> 1: Hash { columns: [2] }
edge 1 -> 2: Single
