CREATE TABLE clicks (k STRING, v INT, p AS PROCTIME()) WITH ('connector' = 'events');
CREATE VIEW seconds AS SELECT k, window_start AS s, window_end AS e, window_time AS t, SUM(v) AS v FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(p), INTERVAL '1' SECOND)) GROUP BY k, window_start, window_end, window_time;
SELECT window_start, MAX(v) AS v FROM TABLE(TUMBLE(TABLE seconds, DESCRIPTOR(t), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end;
---- plan
Collect  [append-only, parallelism 1]
│   uid: collect
└─ Calc  [append-only, parallelism 1]
   │   columns: window_start, MAX(SUM(v)) AS v
   │   uid: calc-107fa99a4be4587c
   └─ WindowAggregate  [append-only, parallelism 1]
      │   window: TUMBLE(processing time, size 1 min)
      │   calls: MAX(SUM(v))
      │   state: until the clock passes the window's end
      │   uid: window-aggregate-8894e07af25b8213_5fbe0c88
      └─ Calc  [append-only, parallelism 2]
         │   columns: SUM(v)
         │   uid: calc-24949408378bc065
         └─ WindowAggregate(k)  [append-only, parallelism 2]
            │   window: TUMBLE(processing time, size 1 s)
            │   keys: k
            │   calls: SUM(v)
            │   state: until the clock passes the window's end
            │   uid: window-aggregate-75eba977f9cfffa6_569c782d
            └─ Source(clicks)  [append-only, parallelism 2]
                   columns: k, v
                   input: unbounded
                   uid: source-clicks
chain 0 x2: Source(clicks) -> LocalWindowAggregate(k)
chain 1 x2: WindowAggregate(k) -> Calc -> LocalWindowAggregate
chain 2 x1: WindowAggregate -> Calc -> Collect
edge 0 -> 1: Hash { columns: [0] }
edge 1 -> 2: Single
