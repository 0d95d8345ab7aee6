CREATE TABLE clicks (k STRING, v INT, p AS PROCTIME()) WITH ('connector' = 'events');
SELECT k, p, CAST(p AS STRING) AS text FROM clicks WHERE p > TO_TIMESTAMP_LTZ(0, 3);
---- plan
Collect  [append-only, parallelism 1]
│   uid: collect
└─ Calc  [append-only, parallelism 2]
   │   filter: PROCTIME() > TIMESTAMP '1970-01-01 00:00:00.000'
   │   columns: k, PROCTIME() AS p, CAST(PROCTIME() AS STRING) AS text
   │   uid: calc-dbe6bd389d6eb1b3
   └─ Source(clicks)  [append-only, parallelism 2]
          columns: k
          input: unbounded
          uid: source-clicks
chain 0 x2: Source(clicks) -> Calc
chain 1 x1: Collect
edge 0 -> 1: Single
