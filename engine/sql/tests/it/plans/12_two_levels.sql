SELECT n, COUNT(*) AS c, MAX(k) AS m FROM (SELECT k, COUNT(*) AS n FROM t GROUP BY k) GROUP BY n;
---- plan
Collect  [retract by (n), parallelism 1]
│   uid: collect
└─ Calc  [retract by (n), parallelism 2]
   │   columns: COUNT(*) AS n, COUNT(*)0 AS c, MAX(k) AS m
   │   uid: calc-349edac7663127ba
   └─ Aggregate(COUNT(*))  [retract by (COUNT(*)), parallelism 2]
      │   keys: COUNT(*)
      │   calls: COUNT(*), MAX(k)
      │   state: unbounded: one row for every key there ever was
      │   uid: aggregate-5b1f199abacd97b3_f16284d5
      └─ Calc  [retract by (k), parallelism 2]
         │   columns: COUNT(*), k
         │   uid: calc-1fab9010092cf746
         └─ Aggregate(k)  [retract by (k), parallelism 2]
            │   keys: k
            │   calls: COUNT(*)
            │   state: unbounded: one row for every key there ever was
            │   uid: aggregate-9152ee5311137495_57fc15ed
            └─ Source(t)  [append-only, parallelism 2]
                   columns: k
                   watermark: ts AS ts - INTERVAL '5' SECOND
                   input: unbounded
                   uid: source-t
warning: the state of Aggregate(k) grows with every new key and is never dropped: its input has no end; aggregate by windows or set 'table.exec.state.ttl' to bound it
warning: the state of Aggregate(COUNT(*)) grows with every new key and is never dropped: its input has no end; aggregate by windows or set 'table.exec.state.ttl' to bound it
chain 0 x2: Source(t) -> LocalAggregate(k)
chain 1 x2: Aggregate(k) -> Calc
chain 2 x2: Aggregate(COUNT(*)) -> Calc
chain 3 x1: Collect
edge 0 -> 1: Hash { columns: [0] }
edge 1 -> 2: Hash { columns: [0] }
edge 2 -> 3: Single
