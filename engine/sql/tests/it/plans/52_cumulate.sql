SELECT k, window_start, window_end, COUNT(*) FROM TABLE(CUMULATE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' HOUR, INTERVAL '1' DAY)) GROUP BY k, window_start, window_end;
---- plan
Collect  [append-only, parallelism 1]
│   uid: collect
└─ Calc  [append-only, parallelism 2]
   │   columns: k, window_start, window_end, COUNT(*) AS EXPR$3
   │   uid: calc-ed55b2b24fb66202
   └─ WindowAggregate(k)  [append-only, parallelism 2]
      │   window: CUMULATE(ts, step 1 h, size 1 d)
      │   keys: k
      │   calls: COUNT(*)
      │   state: until the watermark passes the window's end
      │   uid: window-aggregate-41add6139be86f11_57fc15ed
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
