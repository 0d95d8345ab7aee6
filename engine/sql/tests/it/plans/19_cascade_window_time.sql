CREATE VIEW w AS SELECT k, window_time AS rt, SUM(a) AS s FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end, window_time, k;
SELECT window_start, SUM(s) FROM TABLE(TUMBLE(TABLE w, DESCRIPTOR(rt), INTERVAL '1' HOUR)) GROUP BY window_start, window_end;
---- plan
Collect  [append-only, parallelism 1]
│   uid: collect
└─ Calc  [append-only, parallelism 1]
   │   columns: window_start, SUM(SUM(a)) AS EXPR$1
   │   uid: calc-44d224a203efb977
   └─ WindowAggregate  [append-only, parallelism 1]
      │   window: TUMBLE(window_time, size 1 h)
      │   calls: SUM(SUM(a))
      │   state: until the watermark passes the window's end
      │   uid: window-aggregate-5b4aa9457f2e2e2a_c96e1ff2
      └─ Calc  [append-only, parallelism 2]
         │   columns: window_time, SUM(a)
         │   uid: calc-e75b930fd3c4ffc4
         └─ WindowAggregate(k)  [append-only, parallelism 2]
            │   window: TUMBLE(ts, size 1 min)
            │   keys: k
            │   calls: SUM(a)
            │   state: until the watermark passes the window's end
            │   uid: window-aggregate-de20025b83eef64b_e7c9cd69
            └─ Calc  [append-only, parallelism 2]
               │   columns: k, ts, a
               │   uid: calc-16105df4547a9fac
               └─ Source(t)  [append-only, parallelism 2]
                      columns: k, a, ts
                      watermark: ts AS ts - INTERVAL '5' SECOND
                      input: unbounded
                      uid: source-t
chain 0 x2: Source(t) -> Calc -> LocalWindowAggregate(k)
chain 1 x2: WindowAggregate(k) -> Calc -> LocalWindowAggregate
chain 2 x1: WindowAggregate -> Calc -> Collect
edge 0 -> 1: Hash { columns: [2] }
edge 1 -> 2: Single
