CREATE VIEW visits AS SELECT window_time AS ended, k, later, COUNT(*) AS n FROM SESSION(DATA => TABLE t PARTITION BY (later, k), TIMECOL => DESCRIPTOR(ts), GAP => INTERVAL '1' HOUR) GROUP BY k, later, window_start, window_end, window_time; SELECT window_start, window_end, MAX(n) FROM TABLE(TUMBLE(TABLE visits, DESCRIPTOR(ended), INTERVAL '1' DAY)) GROUP BY window_start, window_end;
---- plan
Collect  [append-only, parallelism 1]
│   uid: collect
└─ Calc  [append-only, parallelism 1]
   │   columns: window_start, window_end, MAX(COUNT(*)) AS EXPR$2
   │   uid: calc-d4c43e5fd6837d84
   └─ WindowAggregate  [append-only, parallelism 1]
      │   window: TUMBLE(window_time, size 1 d)
      │   calls: MAX(COUNT(*))
      │   state: until the watermark passes the window's end
      │   uid: window-aggregate-66b03ca0dc1c1014_3b109514
      └─ Calc  [append-only, parallelism 2]
         │   columns: window_time, COUNT(*)
         │   uid: calc-b389ac50f2f0bbad
         └─ WindowAggregate(k, later)  [append-only, parallelism 2]
            │   window: SESSION(ts, gap 1 h)
            │   keys: k, later
            │   calls: COUNT(*)
            │   state: until the watermark passes the window's end
            │   uid: window-aggregate-0e5b4ab8f0f6021c_57fc15ed
            └─ Calc  [append-only, parallelism 2]
               │   columns: k, later, ts
               │   uid: calc-7b2ed6475eb0b1b8
               └─ Source(t)  [append-only, parallelism 2]
                      columns: k, ts, later
                      watermark: ts AS ts - INTERVAL '5' SECOND
                      input: unbounded
                      uid: source-t
chain 0 x2: Source(t) -> Calc
chain 1 x2: WindowAggregate(k, later) -> Calc -> LocalWindowAggregate
chain 2 x1: WindowAggregate -> Calc -> Collect
edge 0 -> 1: Hash { columns: [0, 1] }
edge 1 -> 2: Single
