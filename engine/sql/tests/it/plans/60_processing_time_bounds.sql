CREATE TABLE clicks (k STRING, v INT, p AS PROCTIME()) WITH ('connector' = 'events');
CREATE VIEW seconds AS SELECT k, window_start AS s, window_end AS e, window_time AS t, SUM(v) AS v FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(p), INTERVAL '1' SECOND)) GROUP BY k, window_start, window_end, window_time;
SELECT s, MAX(v) AS v FROM seconds WHERE e > TIMESTAMP '2024-01-01 00:00:00' GROUP BY s, e;
---- plan
Collect  [retract, parallelism 1]
│   uid: collect
└─ Calc  [retract, parallelism 2]
   │   columns: window_start AS s, MAX(SUM(v)) AS v
   │   uid: calc-3827fe6db266efc0
   └─ Aggregate(window_start, window_end)  [retract by (window_start, window_end), parallelism 2]
      │   keys: window_start, window_end
      │   calls: MAX(SUM(v))
      │   state: unbounded: one row for every key there ever was
      │   uid: aggregate-1ca4c2d6ca2f87d9_5fbe0c88
      └─ Calc  [append-only, parallelism 2]
         │   filter: window_end > TIMESTAMP '2024-01-01 00:00:00.000'
         │   columns: window_start, window_end, SUM(v)
         │   uid: calc-4d2eb7f0e3e777ad
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
warning: the state of Aggregate(window_start, window_end) grows with every new key and is never dropped: its input has no end; aggregate by windows or set 'table.exec.state.ttl' to bound it
chain 0 x2: Source(clicks) -> LocalWindowAggregate(k)
chain 1 x2: WindowAggregate(k) -> Calc -> LocalAggregate(window_start, window_end)
chain 2 x2: Aggregate(window_start, window_end) -> Calc
chain 3 x1: Collect
edge 0 -> 1: Hash { columns: [0] }
edge 1 -> 2: Hash { columns: [0, 1] }
edge 2 -> 3: Single
