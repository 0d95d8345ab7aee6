SELECT window_start, window_end, MAX(n) FROM (SELECT k, window_start, window_end, COUNT(*) AS n FROM TABLE(CUMULATE(DATA => TABLE t, TIMECOL => DESCRIPTOR(ts), STEP => INTERVAL '2' MINUTE, SIZE => INTERVAL '10' MINUTE, `OFFSET` => INTERVAL '-1' MINUTE)) GROUP BY k, window_start, window_end) GROUP BY window_start, window_end;
---- plan
Collect  [append-only, parallelism 1]
│   uid: collect
└─ Calc  [append-only, parallelism 2]
   │   columns: window_start, window_end, MAX(COUNT(*)) AS EXPR$2
   │   uid: calc-bfd4227ab846d038
   └─ WindowAggregate(window_start)  [append-only, parallelism 2]
      │   window: CUMULATE(window_end, step 2 min, size 10 min, offset -1 min)
      │   keys: window_start
      │   calls: MAX(COUNT(*))
      │   state: until the watermark passes the window's end
      │   uid: window-aggregate-62d725b1df161a91_228456df
      └─ Calc  [append-only, parallelism 2]
         │   columns: window_start, window_end - INTERVAL '0.001' SECOND, COUNT(*)
         │   uid: calc-e957317d3afcb30a
         └─ WindowAggregate(k)  [append-only, parallelism 2]
            │   window: CUMULATE(ts, step 2 min, size 10 min, offset -1 min)
            │   keys: k
            │   calls: COUNT(*)
            │   state: until the watermark passes the window's end
            │   uid: window-aggregate-045e49a007665bfd_57fc15ed
            └─ Source(t)  [append-only, parallelism 2]
                   columns: k, ts
                   watermark: ts AS ts - INTERVAL '5' SECOND
                   input: unbounded
                   uid: source-t
chain 0 x2: Source(t) -> LocalWindowAggregate(k)
chain 1 x2: WindowAggregate(k) -> Calc -> LocalWindowAggregate(window_start)
chain 2 x2: WindowAggregate(window_start) -> Calc
chain 3 x1: Collect
edge 0 -> 1: Hash { columns: [2] }
edge 1 -> 2: Hash { columns: [2] }
edge 2 -> 3: Single
