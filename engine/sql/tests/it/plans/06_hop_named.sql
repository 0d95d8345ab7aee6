SELECT window_time, MAX(a) AS m FROM TABLE(HOP(DATA => TABLE t, TIMECOL => DESCRIPTOR(ts), SIZE => INTERVAL '1' HOUR, SLIDE => INTERVAL '30' MINUTE)) AS w GROUP BY window_start, window_end, window_time;
---- plan
Collect  [append-only, parallelism 1]
│   uid: collect
└─ Calc  [append-only, parallelism 1]
   │   columns: window_time, MAX(a) AS m
   │   uid: calc-0761aa367a85b0e2
   └─ WindowAggregate  [append-only, parallelism 1]
      │   window: HOP(ts, slide 30 min, size 1 h)
      │   calls: MAX(a)
      │   state: until the watermark passes the window's end
      │   uid: window-aggregate-1988df90872423b6_a0ee340c
      └─ Calc  [append-only, parallelism 2]
         │   columns: ts, a
         │   uid: calc-d59791e401a1cbc1
         └─ Source(t)  [append-only, parallelism 2]
                columns: a, ts
                watermark: ts AS ts - INTERVAL '5' SECOND
                input: unbounded
                uid: source-t
chain 0 x2: Source(t) -> Calc -> LocalWindowAggregate
chain 1 x1: WindowAggregate -> Calc -> Collect
edge 0 -> 1: Single
