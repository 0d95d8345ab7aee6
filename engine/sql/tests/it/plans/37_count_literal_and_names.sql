SELECT k, COUNT(1) AS n, COUNT(*) AS n, k, a + 1 FROM t GROUP BY k, a + 1;
---- plan
Collect  [retract by (k, EXPR$4), parallelism 1]
│   uid: collect
└─ Calc  [retract by (k, EXPR$4), parallelism 2]
   │   columns: k, COUNT(*) AS n, COUNT(*)0 AS n0, k AS k0, a + 1 AS EXPR$4
   │   uid: calc-b308b41fd5978fb0
   └─ Aggregate(k, a + 1)  [retract by (k, a + 1), parallelism 2]
      │   keys: k, a + 1
      │   calls: COUNT(*), COUNT(*)
      │   state: unbounded: one row for every key there ever was
      │   uid: aggregate-5426e278a3b4a410_edc48942
      └─ Calc  [append-only, parallelism 2]
         │   columns: k, a + 1
         │   uid: calc-ffa93dc8fabd43cf
         └─ Source(t)  [append-only, parallelism 2]
                columns: k, a
                watermark: ts AS ts - INTERVAL '5' SECOND
                input: unbounded
                uid: source-t
warning: the state of Aggregate(k, a + 1) grows with every new key and is never dropped: its input has no end; aggregate by windows or set 'table.exec.state.ttl' to bound it
chain 0 x2: Source(t) -> Calc -> LocalAggregate(k, a + 1)
chain 1 x2: Aggregate(k, a + 1) -> Calc
chain 2 x1: Collect
edge 0 -> 1: Hash { columns: [0, 1] }
edge 1 -> 2: Single
