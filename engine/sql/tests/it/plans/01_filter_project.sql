INSERT INTO f SELECT k, a + 1 FROM t WHERE a > 5 AND k LIKE 'x%';
---- plan
Sink(f)  [append-only, parallelism 2]
│   delivery: exactly once: published with checkpoints
│   uid: f
└─ Calc  [append-only, parallelism 2]
   │   filter: a > 5 AND k LIKE 'x%'
   │   columns: k, CAST(a + 1 AS BIGINT) AS n
   │   uid: calc-c7bba23ac0290b60
   └─ Source(t)  [append-only, parallelism 2]
          columns: k, a
          watermark: ts AS ts - INTERVAL '5' SECOND
          input: unbounded
          uid: source-t
chain 0 x2: Source(t) -> Calc -> Sink(f)
