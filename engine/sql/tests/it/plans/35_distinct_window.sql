SELECT DISTINCT window_start, window_end, k FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE));
---- plan
Collect  [append-only, parallelism 1]
│   uid: collect
└─ WindowAggregate(k)  [append-only, parallelism 2]
   │   window: TUMBLE(ts, size 1 min)
   │   keys: k
   │   state: until the watermark passes the window's end
   │   uid: window-aggregate-de20025b83eef64b_06578bf9
   └─ Source(t)  [append-only, parallelism 2]
          columns: k, ts
          watermark: ts AS ts - INTERVAL '5' SECOND
          input: unbounded
          uid: source-t
chain 0 x2: Source(t) -> LocalWindowAggregate(k)
chain 1 x2: WindowAggregate(k)
chain 2 x1: Collect
edge 0 -> 1: Hash { columns: [2] }
edge 1 -> 2: Single
