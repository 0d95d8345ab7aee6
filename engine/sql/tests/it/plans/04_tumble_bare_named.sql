SELECT window_start, window_end, k, SUM(a) AS s FROM TUMBLE(DATA => TABLE t, TIMECOL => DESCRIPTOR(ts), SIZE => INTERVAL '1' HOUR, `OFFSET` => INTERVAL '15' MINUTE) GROUP BY k, window_start, window_end;
---- plan
Collect  [append-only, parallelism 1]
│   uid: collect
└─ Calc  [append-only, parallelism 2]
   │   columns: window_start, window_end, k, SUM(a) AS s
   │   uid: calc-22a292ffc031b6f9
   └─ WindowAggregate(k)  [append-only, parallelism 2]
      │   window: TUMBLE(ts, size 1 h, offset 15 min)
      │   keys: k
      │   calls: SUM(a)
      │   state: until the watermark passes the window's end
      │   uid: window-aggregate-416ea74ff9d88371_e7c9cd69
      └─ Calc  [append-only, parallelism 2]
         │   columns: k, ts, a
         │   uid: calc-16105df4547a9fac
         └─ Source(t)  [append-only, parallelism 2]
                columns: k, a, ts
                watermark: ts AS ts - INTERVAL '5' SECOND
                input: unbounded
                uid: source-t
chain 0 x2: Source(t) -> Calc -> LocalWindowAggregate(k)
chain 1 x2: WindowAggregate(k) -> Calc
chain 2 x1: Collect
edge 0 -> 1: Hash { columns: [2] }
edge 1 -> 2: Single
