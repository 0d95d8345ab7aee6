SELECT k, 1 + 1, 1.5 * 2, 1e3, DATE '2024-02-29', -2147483648, 3000000000, INTERVAL '1' DAY FROM plain WHERE a IN (1, 2, 3) AND a BETWEEN 0 AND 10;
---- plan
Collect  [append-only, parallelism 1]
│   uid: collect
└─ Calc  [append-only, parallelism 2]
   │   filter: (a = 1 OR a = 2 OR a = 3) AND a >= 0 AND a <= 10
   │   columns: k, 2 AS EXPR$1, 3.0 AS EXPR$2, 1000 AS EXPR$3, DATE '2024-02-29' AS EXPR$4, -2147483648 AS EXPR$5, 3000000000 AS EXPR$6, INTERVAL '1' DAY AS EXPR$7
   │   uid: calc-9bd653297b5ce955
   └─ Source(plain)  [append-only, parallelism 2]
          columns: k, a
          input: unbounded
          uid: source-plain
chain 0 x2: Source(plain) -> Calc
chain 1 x1: Collect
edge 0 -> 1: Single
