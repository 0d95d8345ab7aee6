SELECT FLOOR(ts TO HOUR) AS f, CEIL(ts TO DAY), FLOOR(x), EXTRACT(HOUR FROM ts), TIMESTAMPDIFF(DAY, ts, later), TIMESTAMPADD(HOUR, 2, ts), TRIM(BOTH 'x' FROM k), SUBSTRING(k FROM 2 FOR 3), POSITION('a' IN k), OVERLAY(k PLACING 'z' FROM 2), k SIMILAR TO '[a-z]+', k NOT LIKE '%!%' ESCAPE '!', a IS NOT DISTINCT FROM 3, COALESCE(k, 'none'), a / 2, d / 3, a % 2, -a, NULLIF(a, 0), IF(flag, 1, 0) FROM t;
---- plan
Collect  [append-only, parallelism 1]
│   uid: collect
└─ Calc  [append-only, parallelism 2]
   │   columns: FLOOR(ts, 'HOUR') AS f, CEIL(ts, 'DAY') AS EXPR$1, FLOOR(x) AS EXPR$2, EXTRACT('HOUR', ts) AS EXPR$3, TIMESTAMPDIFF('DAY', ts, later) AS EXPR$4, TIMESTAMPADD('HOUR', 2, ts) AS EXPR$5, TRIM(k, 'x') AS EXPR$6, SUBSTRING(k, 2, 3) AS EXPR$7, POSITION(k, 'a') AS EXPR$8, OVERLAY(k, 'z', 2) AS EXPR$9, SIMILAR_TO(k, '[a-z]+') AS EXPR$10, k NOT LIKE '%\%' ESCAPE '\' AS EXPR$11, a IS NOT DISTINCT FROM 3 AS EXPR$12, COALESCE(k, 'none') AS EXPR$13, a / 2 AS EXPR$14, d / 3 AS EXPR$15, a % 2 AS EXPR$16, -a AS EXPR$17, NULLIF(a, 0) AS EXPR$18, IF(flag, 1, 0) AS EXPR$19
   │   uid: calc-a880076710fddecc
   └─ Source(t)  [append-only, parallelism 2]
          columns: k, a, d, x, ts, flag, later
          watermark: ts AS ts - INTERVAL '5' SECOND
          input: unbounded
          uid: source-t
chain 0 x2: Source(t) -> Calc
chain 1 x1: Collect
edge 0 -> 1: Single
