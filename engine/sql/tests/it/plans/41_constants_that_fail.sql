SELECT 1 / 0 AS a, CAST('abc' AS INT) AS b, TRY_CAST('abc' AS INT) AS c, 2000000000 + 2000000000 AS d FROM plain;
---- plan
Collect  [append-only, parallelism 1]
│   uid: collect
└─ Calc  [append-only, parallelism 2]
   │   columns: 1 / 0 AS a, CAST('abc' AS INT) AS b, NULL AS c, -294967296 AS d
   │   uid: calc-91131fa0b3fb64cb
   └─ Source(plain)  [append-only, parallelism 2]
          columns: 
          input: unbounded
          uid: source-plain
chain 0 x2: Source(plain) -> Calc
chain 1 x1: Collect
edge 0 -> 1: Single
