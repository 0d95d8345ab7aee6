SELECT * FROM plain;
---- plan
Collect  [append-only, parallelism 1]
│   uid: collect
└─ Source(plain)  [append-only, parallelism 2]
       columns: k, a
       input: unbounded
       uid: source-plain
chain 0 x2: Source(plain)
chain 1 x1: Collect
edge 0 -> 1: Single
