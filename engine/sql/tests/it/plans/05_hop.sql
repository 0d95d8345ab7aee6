SELECT window_end, AVG(x) FROM TABLE(HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '5' MINUTE, INTERVAL '1' HOUR)) WHERE a > 0 GROUP BY window_start, window_end;
---- plan
Collect  [append-only, parallelism 1]
│   uid: collect
└─ Calc  [append-only, parallelism 1]
   │   columns: window_end, AVG(x) AS EXPR$1
   │   uid: calc-c8055775fd3fc1b7
   └─ WindowAggregate  [append-only, parallelism 1]
      │   window: HOP(ts, slide 5 min, size 1 h)
      │   calls: AVG(x)
      │   state: until the watermark passes the window's end
      │   uid: window-aggregate-fcbc8805b5fb87fb_3b4af0ca
      └─ Calc  [append-only, parallelism 2]
         │   filter: a > 0
         │   columns: ts, x
         │   uid: calc-7d812fc18cabfe43
         └─ Source(t)  [append-only, parallelism 2]
                columns: a, x, ts
                watermark: ts AS ts - INTERVAL '5' SECOND
                input: unbounded
                uid: source-t
chain 0 x2: Source(t) -> Calc -> LocalWindowAggregate
chain 1 x1: WindowAggregate -> Calc -> Collect
edge 0 -> 1: Single
