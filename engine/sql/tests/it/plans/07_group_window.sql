SELECT TUMBLE_START(ts, INTERVAL '1' HOUR) AS s, TUMBLE_END(ts, INTERVAL '1' HOUR), TUMBLE_ROWTIME(ts, INTERVAL '1' HOUR) AS r, k, COUNT(*) AS n FROM t WHERE a > 1 GROUP BY TUMBLE(ts, INTERVAL '1' HOUR), k HAVING COUNT(*) > 2;
---- plan
Collect  [append-only, parallelism 1]
│   uid: collect
└─ Calc  [append-only, parallelism 2]
   │   filter: COUNT(*) > 2
   │   columns: window_start AS s, window_end AS EXPR$1, window_time AS r, k, COUNT(*) AS n
   │   uid: calc-963f530a68ccf81c
   └─ WindowAggregate(k)  [append-only, parallelism 2]
      │   window: TUMBLE(ts, size 1 h)
      │   keys: k
      │   calls: COUNT(*)
      │   state: until the watermark passes the window's end
      │   uid: window-aggregate-009e4cd8d2ed2a4b_57fc15ed
      └─ Calc  [append-only, parallelism 2]
         │   filter: a > 1
         │   columns: k, ts
         │   uid: calc-c535ebfda48aa829
         └─ Source(t)  [append-only, parallelism 2]
                columns: k, a, ts
                watermark: ts AS ts - INTERVAL '5' SECOND
                input: unbounded
                uid: source-t
chain 0 x2: Source(t) -> Calc -> LocalWindowAggregate(k)
chain 1 x2: WindowAggregate(k) -> Calc
chain 2 x1: Collect
edge 0 -> 1: Hash { columns: [2] }
edge 1 -> 2: Single
