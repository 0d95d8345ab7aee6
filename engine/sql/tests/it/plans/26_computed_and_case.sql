SELECT later, CASE WHEN a > 1 THEN 'big' WHEN a IS NULL THEN NULL ELSE 'small' END AS c, CAST(a AS STRING) || '!' AS s, TRY_CAST(k AS INT) FROM t;
---- plan
Collect  [append-only, parallelism 1]
│   uid: collect
└─ Calc  [append-only, parallelism 2]
   │   columns: later, CASE WHEN a > 1 THEN 'big' WHEN a IS NULL THEN NULL ELSE 'small' END AS c, CONCAT(CAST(a AS STRING), '!') AS s, TRY_CAST(k AS INT) AS EXPR$3
   │   uid: calc-4b5d52565a08aeee
   └─ Source(t)  [append-only, parallelism 2]
          columns: k, a, later
          watermark: ts AS ts - INTERVAL '5' SECOND
          input: unbounded
          uid: source-t
chain 0 x2: Source(t) -> Calc
chain 1 x1: Collect
edge 0 -> 1: Single
