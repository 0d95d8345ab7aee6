SELECT HOP_START(x.ts, INTERVAL '1' MINUTE, INTERVAL '5' MINUTE), x.k FROM (SELECT ts, k FROM t) AS x GROUP BY HOP(x.ts, INTERVAL '1' MINUTE, INTERVAL '5' MINUTE), x.k;
---- plan
Collect  [append-only, parallelism 1]
│   uid: collect
└─ Calc  [append-only, parallelism 2]
   │   columns: window_start AS EXPR$0, k
   │   uid: calc-193db713dde31631
   └─ WindowAggregate(k)  [append-only, parallelism 2]
      │   window: HOP(ts, slide 1 min, size 5 min)
      │   keys: k
      │   state: until the watermark passes the window's end
      │   uid: window-aggregate-acf3611bf5a798f9_06578bf9
      └─ Source(t)  [append-only, parallelism 2]
             columns: k, ts
             watermark: ts AS ts - INTERVAL '5' SECOND
             input: unbounded
             uid: source-t
chain 0 x2: Source(t) -> LocalWindowAggregate(k)
chain 1 x2: WindowAggregate(k) -> Calc
chain 2 x1: Collect
edge 0 -> 1: Hash { columns: [2] }
edge 1 -> 2: Single
