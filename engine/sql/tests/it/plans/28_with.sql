WITH big AS (SELECT * FROM t WHERE a > 100), u AS (SELECT k, a FROM big) SELECT u.k, COUNT(*) FROM u GROUP BY u.k;
---- plan
Collect  [retract by (k), parallelism 1]
│   uid: collect
└─ Calc  [retract by (k), parallelism 2]
   │   columns: k, COUNT(*) AS EXPR$1
   │   uid: calc-d4c858acc84b831b
   └─ Aggregate(k)  [retract by (k), parallelism 2]
      │   keys: k
      │   calls: COUNT(*)
      │   state: unbounded: one row for every key there ever was
      │   uid: aggregate-9152ee5311137495_57fc15ed
      └─ Calc  [append-only, parallelism 2]
         │   filter: a > 100
         │   columns: k
         │   uid: calc-e942f6aa7c8f1936
         └─ Source(t)  [append-only, parallelism 2]
                columns: k, a
                watermark: ts AS ts - INTERVAL '5' SECOND
                input: unbounded
                uid: source-t
warning: the state of Aggregate(k) grows with every new key and is never dropped: its input has no end; aggregate by windows or set 'table.exec.state.ttl' to bound it
chain 0 x2: Source(t) -> Calc -> LocalAggregate(k)
chain 1 x2: Aggregate(k) -> Calc
chain 2 x1: Collect
edge 0 -> 1: Hash { columns: [0] }
edge 1 -> 2: Single
