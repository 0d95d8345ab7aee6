SELECT window_start, COUNT(*) FROM TABLE(TUMBLE((SELECT * FROM t WHERE k = 'x'), DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end;
---- plan
Collect  [append-only, parallelism 1]
│   uid: collect
└─ Calc  [append-only, parallelism 1]
   │   columns: window_start, COUNT(*) AS EXPR$1
   │   uid: calc-1c5d1fd03f9499f4
   └─ WindowAggregate  [append-only, parallelism 1]
      │   window: TUMBLE(ts, size 1 min)
      │   calls: COUNT(*)
      │   state: until the watermark passes the window's end
      │   uid: window-aggregate-2ed5cafd0c4c3737_57fc15ed
      └─ Calc  [append-only, parallelism 2]
         │   filter: k = 'x'
         │   columns: ts
         │   uid: calc-5835bdfee38489f1
         └─ Source(t)  [append-only, parallelism 2]
                columns: k, ts
                watermark: ts AS ts - INTERVAL '5' SECOND
                input: unbounded
                uid: source-t
chain 0 x2: Source(t) -> Calc -> LocalWindowAggregate
chain 1 x1: WindowAggregate -> Calc -> Collect
edge 0 -> 1: Single
