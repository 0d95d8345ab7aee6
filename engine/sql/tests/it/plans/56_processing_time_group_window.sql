CREATE TABLE clicks (k STRING, v INT, p AS PROCTIME()) WITH ('connector' = 'events');
SELECT k, HOP_START(p, INTERVAL '1' SECOND, INTERVAL '1' MINUTE) AS s, HOP_PROCTIME(p, INTERVAL '1' SECOND, INTERVAL '1' MINUTE) AS p, COUNT(DISTINCT v) AS n
FROM clicks WHERE v > 0 GROUP BY k, HOP(p, INTERVAL '1' SECOND, INTERVAL '1' MINUTE);
---- plan
Collect  [append-only, parallelism 1]
│   uid: collect
└─ Calc  [append-only, parallelism 2]
   │   columns: k, window_start AS s, PROCTIME() AS p, COUNT(DISTINCT v) AS n
   │   uid: calc-cbec703954491e6f
   └─ WindowAggregate(k)  [append-only, parallelism 2]
      │   window: HOP(processing time, slide 1 s, size 1 min)
      │   keys: k
      │   calls: COUNT(DISTINCT v)
      │   state: until the clock passes the window's end
      │   uid: window-aggregate-e04908a79825067f_c35d7126
      └─ Calc  [append-only, parallelism 2]
         │   filter: v > 0
         │   columns: k, v
         │   uid: calc-0be9fc4d5a13af54
         └─ Source(clicks)  [append-only, parallelism 2]
                columns: k, v
                input: unbounded
                uid: source-clicks
chain 0 x2: Source(clicks) -> Calc
chain 1 x2: WindowAggregate(k) -> Calc
chain 2 x1: Collect
edge 0 -> 1: Hash { columns: [0] }
edge 1 -> 2: Single
