CREATE TABLE clicks (k STRING, v INT, p AS PROCTIME()) WITH ('connector' = 'events');
CREATE VIEW both_tables AS SELECT p, k FROM clicks UNION ALL SELECT PROCTIME(), k FROM t;
SELECT window_end, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE both_tables, DESCRIPTOR(p), INTERVAL '1' HOUR)) GROUP BY window_start, window_end HAVING COUNT(*) > 1;
---- plan
Collect  [append-only, parallelism 1]
│   uid: collect
└─ Calc  [append-only, parallelism 1]
   │   filter: COUNT(*) > 1
   │   columns: window_end, COUNT(*) AS n
   │   uid: calc-ee98dacc8590903c
   └─ WindowAggregate  [append-only, parallelism 1]
      │   window: TUMBLE(processing time, size 1 h)
      │   calls: COUNT(*)
      │   state: until the clock passes the window's end
      │   uid: window-aggregate-b4594f2b2d1bdf3f_d18ec04c
      └─ Calc  [append-only, parallelism 2]
         │   columns: 
         │   uid: calc-c15429b98857a3e1
         └─ Union  [append-only, parallelism 2]
            │   uid: union-3e9640f91151e1a0
            ├─ Calc  [append-only, parallelism 2]
            │  │   columns: PROCTIME() AS p
            │  │   uid: calc-bb7d043dfdea0257
            │  └─ Source(clicks)  [append-only, parallelism 2]
            │         columns: 
            │         input: unbounded
            │         uid: source-clicks
            └─ Calc  [append-only, parallelism 2]
               │   columns: PROCTIME() AS p
               │   uid: calc-3ec202a5dbcb328b
               └─ Source(t)  [append-only, parallelism 2]
                      columns: 
                      watermark: ts AS ts - INTERVAL '5' SECOND
                      input: unbounded
                      uid: source-t
chain 0 x2: Source(clicks) -> Calc
chain 1 x2: Source(t) -> Calc
chain 2 x2: Calc -> LocalWindowAggregate
chain 3 x1: WindowAggregate -> Calc -> Collect
edge 0 -> 2: Forward
edge 1 -> 2: Forward
edge 2 -> 3: Single
