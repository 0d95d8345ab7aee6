CREATE TABLE s (n BIGINT, k STRING, d DECIMAL(20, 4), x DOUBLE) WITH ('connector' = 'print');
INSERT INTO s (k, n, d) SELECT k, a, d FROM t;
---- plan
Sink(s)  [append-only, parallelism 2]
│   delivery: at least once: written at once
│   uid: s
└─ Calc  [append-only, parallelism 2]
   │   columns: CAST(a AS BIGINT) AS n, k, CAST(d AS DECIMAL(20, 4)) AS d, NULL AS x
   │   uid: calc-f20acbd245db3263
   └─ Source(t)  [append-only, parallelism 2]
          columns: k, a, d
          watermark: ts AS ts - INTERVAL '5' SECOND
          input: unbounded
          uid: source-t
chain 0 x2: Source(t) -> Calc -> Sink(s)
