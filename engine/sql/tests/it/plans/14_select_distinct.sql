INSERT INTO f SELECT DISTINCT k, b FROM t;
---- plan
Sink(f)  [append-only, parallelism 2]
│   delivery: exactly once: published with checkpoints
│   uid: f
└─ Calc  [append-only, parallelism 2]
   │   columns: k, b AS n
   │   uid: calc-a113cf29c32a96fa
   └─ Aggregate(k, b)  [append-only, parallelism 2]
      │   keys: k, b
      │   state: unbounded: one row for every key there ever was
      │   uid: aggregate-6a81ef26cd887bbb_06578bf9
      └─ Source(t)  [append-only, parallelism 2]
             columns: k, b
             watermark: ts AS ts - INTERVAL '5' SECOND
             input: unbounded
             uid: source-t
warning: the state of Aggregate(k, b) grows with every new key and is never dropped: its input has no end; aggregate by windows or set 'table.exec.state.ttl' to bound it
chain 0 x2: Source(t) -> LocalAggregate(k, b)
chain 1 x2: Aggregate(k, b) -> Calc -> Sink(f)
edge 0 -> 1: Hash { columns: [0, 1] }
