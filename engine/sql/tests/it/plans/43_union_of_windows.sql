SELECT window_start, window_end, SUM(n) AS s FROM (
  SELECT window_start, window_end, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' HOUR)) WHERE a = 1 GROUP BY window_start, window_end
  UNION ALL
  SELECT window_start, window_end, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' HOUR)) WHERE a = 2 GROUP BY window_start, window_end
) GROUP BY window_start, window_end;
---- plan
Collect  [append-only, parallelism 1]
│   uid: collect
└─ Calc  [append-only, parallelism 1]
   │   columns: window_start - INTERVAL '1' HOUR AS window_start, window_end, SUM(n) AS s
   │   uid: calc-894c5eaba981040b
   └─ WindowAggregate  [append-only, parallelism 1]
      │   window: TUMBLE(window_end, size 1 h)
      │   calls: SUM(n)
      │   state: until the watermark passes the window's end
      │   uid: window-aggregate-a18d1be5670d8160_bf6a4ff6
      └─ Calc  [append-only, parallelism 1]
         │   columns: window_end - INTERVAL '0.001' SECOND, n
         │   uid: calc-bc5747c91f46a331
         └─ Union  [append-only, parallelism 1]
            │   uid: union-40dabca33fed89ea
            ├─ Calc  [append-only, parallelism 1]
            │  │   columns: window_start, window_end, COUNT(*) AS n
            │  │   uid: calc-e6e5fc42f63acde2
            │  └─ WindowAggregate  [append-only, parallelism 1]
            │     │   window: TUMBLE(ts, size 1 h)
            │     │   calls: COUNT(*)
            │     │   state: until the watermark passes the window's end
            │     │   uid: window-aggregate-8c2b8c24d43ce123_57fc15ed
            │     └─ Calc  [append-only, parallelism 2]
            │        │   filter: a = 1
            │        │   columns: ts
            │        │   uid: calc-7072f8cf82b56c9b
            │        └─ Source(t)  [append-only, parallelism 2]
            │               columns: a, ts
            │               watermark: ts AS ts - INTERVAL '5' SECOND
            │               input: unbounded
            │               uid: source-t
            └─ Calc  [append-only, parallelism 1]
               │   columns: window_start, window_end, COUNT(*) AS n
               │   uid: calc-d0863a124a9ab7b8
               └─ WindowAggregate  [append-only, parallelism 1]
                  │   window: TUMBLE(ts, size 1 h)
                  │   calls: COUNT(*)
                  │   state: until the watermark passes the window's end
                  │   uid: window-aggregate-8c2b8c24d43ce123_57fc15ed-2
                  └─ Calc  [append-only, parallelism 2]
                     │   filter: a = 2
                     │   columns: ts
                     │   uid: calc-454fe3a8e4d8b38c
                     └─ Source(t) (see above)  [append-only, parallelism 2]
chain 0 x2: Source(t)
chain 1 x2: Calc -> LocalWindowAggregate
chain 2 x1: WindowAggregate -> Calc
chain 3 x2: Calc -> LocalWindowAggregate
chain 4 x1: WindowAggregate -> Calc
chain 5 x1: Calc -> LocalWindowAggregate
chain 6 x1: WindowAggregate -> Calc -> Collect
edge 0 -> 1: Forward
edge 1 -> 2: Single
edge 0 -> 3: Forward
edge 3 -> 4: Single
edge 2 -> 5: Single
edge 4 -> 5: Single
edge 5 -> 6: Single
