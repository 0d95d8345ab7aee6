SELECT window_start, window_end, COUNT(DISTINCT k) FROM TABLE(SESSION(TABLE (SELECT ts, k FROM t), DESCRIPTOR(ts), INTERVAL '10' MINUTE)) GROUP BY window_start, window_end HAVING window_end > TIMESTAMP '2024-01-01 00:00:00';
---- plan
Collect  [append-only, parallelism 1]
│   uid: collect
└─ Calc  [append-only, parallelism 1]
   │   filter: window_end > TIMESTAMP '2024-01-01 00:00:00.000'
   │   columns: window_start, window_end, COUNT(DISTINCT k) AS EXPR$2
   │   uid: calc-3a91df1408397378
   └─ WindowAggregate  [append-only, parallelism 1]
      │   window: SESSION(ts, gap 10 min)
      │   calls: COUNT(DISTINCT k)
      │   state: until the watermark passes the window's end
      │   uid: window-aggregate-f312c49ebf337227_56eb844f
      └─ Calc  [append-only, parallelism 2]
         │   columns: ts, k
         │   uid: calc-556000109a8ab6dc
         └─ Source(t)  [append-only, parallelism 2]
                columns: k, ts
                watermark: ts AS ts - INTERVAL '5' SECOND
                input: unbounded
                uid: source-t
chain 0 x2: Source(t) -> Calc
chain 1 x1: WindowAggregate -> Calc -> Collect
edge 0 -> 1: Single
