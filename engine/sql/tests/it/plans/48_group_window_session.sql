SELECT k, COUNT(*) AS n, SESSION_START(ts, INTERVAL '10' SECOND) AS s, SESSION_END(ts, INTERVAL '10' SECOND) AS e, SESSION_ROWTIME(ts, INTERVAL '10' SECOND) AS rt FROM t WHERE b > 5 GROUP BY k, SESSION(ts, INTERVAL '10' SECOND);
---- plan
Collect  [append-only, parallelism 1]
│   uid: collect
└─ Calc  [append-only, parallelism 2]
   │   columns: k, COUNT(*) AS n, window_start AS s, window_end AS e, window_time AS rt
   │   uid: calc-a98bf066d5d9a3a5
   └─ WindowAggregate(k)  [append-only, parallelism 2]
      │   window: SESSION(ts, gap 10 s)
      │   keys: k
      │   calls: COUNT(*)
      │   state: until the watermark passes the window's end
      │   uid: window-aggregate-3904cce821ce11e7_57fc15ed
      └─ Calc  [append-only, parallelism 2]
         │   filter: b > 5
         │   columns: k, ts
         │   uid: calc-35a27a4b7dc8a87b
         └─ Source(t)  [append-only, parallelism 2]
                columns: k, b, ts
                watermark: ts AS ts - INTERVAL '5' SECOND
                input: unbounded
                uid: source-t
chain 0 x2: Source(t) -> Calc
chain 1 x2: WindowAggregate(k) -> Calc
chain 2 x1: Collect
edge 0 -> 1: Hash { columns: [0] }
edge 1 -> 2: Single
