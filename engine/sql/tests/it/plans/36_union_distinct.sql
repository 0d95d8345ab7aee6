SELECT k FROM t UNION SELECT k FROM plain;
---- plan
Collect  [append-only, parallelism 1]
│   uid: collect
└─ Aggregate(k)  [append-only, parallelism 2]
   │   keys: k
   │   state: unbounded: one row for every key there ever was
   │   uid: aggregate-fed9e1dde79d0366_2a6d3b21
   └─ Union  [append-only, parallelism 2]
      │   uid: union-de85a94decf4e07e
      ├─ Source(t)  [append-only, parallelism 2]
      │      columns: k
      │      watermark: ts AS ts - INTERVAL '5' SECOND
      │      input: unbounded
      │      uid: source-t
      └─ Source(plain)  [append-only, parallelism 2]
             columns: k
             input: unbounded
             uid: source-plain
warning: the state of Aggregate(k) grows with every new key and is never dropped: its input has no end; aggregate by windows or set 'table.exec.state.ttl' to bound it
chain 0 x2: Source(t)
chain 1 x2: Source(plain)
chain 2 x2: LocalAggregate(k)
chain 3 x2: Aggregate(k)
chain 4 x1: Collect
edge 0 -> 2: Forward
edge 1 -> 2: Forward
edge 2 -> 3: Hash { columns: [0] }
edge 3 -> 4: Single
