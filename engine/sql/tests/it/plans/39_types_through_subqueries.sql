CREATE VIEW v AS SELECT k, CASE WHEN flag THEN 1 ELSE 2.5 END AS c FROM t;
WITH w AS (SELECT c + 1 AS c1 FROM v) SELECT c1, c1 * 2, ROUND(c1, 1), q.y FROM (SELECT c1, CASE WHEN c1 > 2 THEN 1.25 ELSE 3 END AS y FROM w) AS q;
---- plan
Collect  [append-only, parallelism 1]
│   uid: collect
└─ Calc  [append-only, parallelism 2]
   │   columns: c1, c1 * 2 AS EXPR$1, CAST(ROUND(c1, 1) AS DECIMAL(12, 1)) AS EXPR$2, CASE WHEN c1 > 2.0 THEN 1.25 ELSE 3.00 END AS y
   │   uid: calc-856590aadc7665f9
   └─ Calc  [append-only, parallelism 2]
      │   columns: CASE WHEN flag THEN 1.0 ELSE 2.5 END + 1 AS c1
      │   uid: calc-30c5682212c3a7aa
      └─ Source(t)  [append-only, parallelism 2]
             columns: flag
             watermark: ts AS ts - INTERVAL '5' SECOND
             input: unbounded
             uid: source-t
chain 0 x2: Source(t) -> Calc -> Calc
chain 1 x1: Collect
edge 0 -> 1: Single
