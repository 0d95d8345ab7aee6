SELECT window_start, window_end, MAX(n) FROM (SELECT window_start, window_end, k, COUNT(*) AS n FROM TABLE(HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '10' MINUTE, INTERVAL '1' HOUR)) GROUP BY window_start, window_end, k) GROUP BY window_start, window_end;
---- plan
Collect  [append-only, parallelism 1]
│   uid: collect
└─ Calc  [append-only, parallelism 1]
   │   columns: window_start - INTERVAL '1' HOUR AS window_start, window_end, MAX(COUNT(*)) AS EXPR$2
   │   uid: calc-ee291a17baec47da
   └─ WindowAggregate  [append-only, parallelism 1]
      │   window: HOP(window_end, slide 10 min, size 1 h)
      │   calls: MAX(COUNT(*))
      │   state: until the watermark passes the window's end
      │   uid: window-aggregate-b173b70578278c99_7d680157
      └─ Calc  [append-only, parallelism 2]
         │   columns: window_end - INTERVAL '0.001' SECOND, COUNT(*)
         │   uid: calc-77e4658cb84cc7c5
         └─ WindowAggregate(k)  [append-only, parallelism 2]
            │   window: HOP(ts, slide 10 min, size 1 h)
            │   keys: k
            │   calls: COUNT(*)
            │   state: until the watermark passes the window's end
            │   uid: window-aggregate-43360ba131a04b4b_57fc15ed
            └─ Source(t)  [append-only, parallelism 2]
                   columns: k, ts
                   watermark: ts AS ts - INTERVAL '5' SECOND
                   input: unbounded
                   uid: source-t
chain 0 x2: Source(t) -> LocalWindowAggregate(k)
chain 1 x2: WindowAggregate(k) -> Calc -> LocalWindowAggregate
chain 2 x1: WindowAggregate -> Calc -> Collect
edge 0 -> 1: Hash { columns: [2] }
edge 1 -> 2: Single
