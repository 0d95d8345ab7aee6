SELECT k FROM t WHERE FALSE;
---- plan
Collect  [append-only, parallelism 1]
│   uid: collect
└─ Calc  [append-only, parallelism 2]
   │   filter: FALSE
   │   columns: k
   │   uid: calc-b8388611b6715754
   └─ Source(t)  [append-only, parallelism 2]
          columns: k
          watermark: ts AS ts - INTERVAL '5' SECOND
          input: unbounded
          uid: source-t
chain 0 x2: Source(t) -> Calc
chain 1 x1: Collect
edge 0 -> 1: Single
