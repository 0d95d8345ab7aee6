INSERT INTO f SELECT k, b FROM t UNION ALL SELECT k, a FROM plain UNION ALL SELECT k, a FROM t;
---- plan
Sink(f)  [append-only, parallelism 2]
│   delivery: exactly once: published with checkpoints
│   uid: f
└─ Calc  [append-only, parallelism 2]
   │   columns: k, b AS n
   │   uid: calc-91b167e9f195a02e
   └─ Union  [append-only, parallelism 2]
      │   uid: union-46c028939e93f482
      ├─ Calc  [append-only, parallelism 2]
      │  │   columns: k, b
      │  │   uid: calc-0b1525ba76223b4b
      │  └─ Source(t)  [append-only, parallelism 2]
      │         columns: k, a, b
      │         watermark: ts AS ts - INTERVAL '5' SECOND
      │         input: unbounded
      │         uid: source-t
      ├─ Calc  [append-only, parallelism 2]
      │  │   columns: k, CAST(a AS BIGINT) AS b
      │  │   uid: calc-5b1ec7e674f1db40
      │  └─ Source(plain)  [append-only, parallelism 2]
      │         columns: k, a
      │         input: unbounded
      │         uid: source-plain
      └─ Calc  [append-only, parallelism 2]
         │   columns: k, CAST(a AS BIGINT) AS b
         │   uid: calc-b28b5e69d17294a4
         └─ Source(t) (see above)  [append-only, parallelism 2]
chain 0 x2: Source(t)
chain 1 x2: Calc
chain 2 x2: Source(plain) -> Calc
chain 3 x2: Calc
chain 4 x2: Calc -> Sink(f)
edge 0 -> 1: Forward
edge 0 -> 3: Forward
edge 1 -> 4: Forward
edge 2 -> 4: Forward
edge 3 -> 4: Forward
