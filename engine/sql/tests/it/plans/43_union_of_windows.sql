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
   │   uid: calc-e9d30fc2420cd351
   └─ WindowAggregate  [append-only, parallelism 1]
      │   window: TUMBLE(window_end, size 1 h)
      │   calls: SUM(n)
      │   state: until the watermark passes the window's end
      │   uid: window-aggregate-9e7d26dab7561bd5
      └─ Calc  [append-only, parallelism 1]
         │   columns: window_end - INTERVAL '0.001' SECOND, n
         │   uid: calc-c4a443842c362d50
         └─ Union  [append-only, parallelism 1]
            │   uid: union-4ad0e1555c3edd4b
            ├─ Calc  [append-only, parallelism 1]
            │  │   columns: window_start, window_end, COUNT(*) AS n
            │  │   uid: calc-777b79e45414e038
            │  └─ WindowAggregate  [append-only, parallelism 1]
            │     │   window: TUMBLE(ts, size 1 h)
            │     │   calls: COUNT(*)
            │     │   state: until the watermark passes the window's end
            │     │   uid: window-aggregate-6123ac4793d32e36
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
               │   uid: calc-7975b437cb663887
               └─ WindowAggregate  [append-only, parallelism 1]
                  │   window: TUMBLE(ts, size 1 h)
                  │   calls: COUNT(*)
                  │   state: until the watermark passes the window's end
                  │   uid: window-aggregate-6123ac4793d32e36-2
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
