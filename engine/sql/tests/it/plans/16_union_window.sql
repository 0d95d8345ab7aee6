CREATE VIEW both AS SELECT ts, k FROM t WHERE a = 1 UNION ALL SELECT ts, k FROM t WHERE a = 2;
SELECT window_start, k, COUNT(*) FROM TABLE(TUMBLE(TABLE both, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end, k;
---- plan
Collect  [append-only, parallelism 1]
│   uid: collect
└─ Calc  [append-only, parallelism 2]
   │   columns: window_start, k, COUNT(*) AS EXPR$2
   │   uid: calc-3a415bb84bf9566a
   └─ WindowAggregate(k)  [append-only, parallelism 2]
      │   window: TUMBLE(ts, size 1 min)
      │   keys: k
      │   calls: COUNT(*)
      │   state: until the watermark passes the window's end
      │   uid: window-aggregate-de20025b83eef64b_57fc15ed
      └─ Calc  [append-only, parallelism 2]
         │   columns: k, ts
         │   uid: calc-e9a0698d6941e217
         └─ Union  [append-only, parallelism 2]
            │   uid: union-a83eefcdf1db0427
            ├─ Calc  [append-only, parallelism 2]
            │  │   filter: a = 1
            │  │   columns: ts, k
            │  │   uid: calc-f51bf3dbf18d4f1d
            │  └─ Source(t)  [append-only, parallelism 2]
            │         columns: k, a, ts
            │         watermark: ts AS ts - INTERVAL '5' SECOND
            │         input: unbounded
            │         uid: source-t
            └─ Calc  [append-only, parallelism 2]
               │   filter: a = 2
               │   columns: ts, k
               │   uid: calc-09c5dba66cb0c6f0
               └─ Source(t) (see above)  [append-only, parallelism 2]
chain 0 x2: Source(t)
chain 1 x2: Calc
chain 2 x2: Calc
chain 3 x2: Calc -> LocalWindowAggregate(k)
chain 4 x2: WindowAggregate(k) -> Calc
chain 5 x1: Collect
edge 0 -> 1: Forward
edge 0 -> 2: Forward
edge 1 -> 3: Forward
edge 2 -> 3: Forward
edge 3 -> 4: Hash { columns: [2] }
edge 4 -> 5: Single
