SELECT window_start, k, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end, k HAVING window_start >= TIMESTAMP '2024-01-01 00:00:00' AND COUNT(*) > 1 AND k = 'x';
---- plan
Collect  [append-only, parallelism 1]
│   uid: collect
└─ Calc  [append-only, parallelism 2]
   │   filter: window_start >= TIMESTAMP '2024-01-01 00:00:00.000' AND COUNT(*) > 1
   │   columns: window_start, k, COUNT(*) AS n
   │   uid: calc-c014855b30c422d5
   └─ WindowAggregate(k)  [append-only, parallelism 2]
      │   window: TUMBLE(ts, size 1 min)
      │   keys: k
      │   calls: COUNT(*)
      │   state: until the watermark passes the window's end
      │   uid: window-aggregate-de20025b83eef64b_57fc15ed
      └─ Calc  [append-only, parallelism 2]
         │   filter: k = 'x'
         │   columns: k, ts
         │   uid: calc-9ca154f4bcb69216
         └─ Source(t)  [append-only, parallelism 2]
                columns: k, ts
                watermark: ts AS ts - INTERVAL '5' SECOND
                input: unbounded
                uid: source-t
chain 0 x2: Source(t) -> Calc -> LocalWindowAggregate(k)
chain 1 x2: WindowAggregate(k) -> Calc
chain 2 x1: Collect
edge 0 -> 1: Hash { columns: [2] }
edge 1 -> 2: Single
