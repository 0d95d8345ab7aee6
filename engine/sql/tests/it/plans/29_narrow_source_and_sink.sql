CREATE TABLE narrow (k STRING, n BIGINT) WITH ('connector' = 'events', 'splits' = '1', 'bounded' = 'true');
CREATE TABLE one (k STRING, n BIGINT) WITH ('connector' = 'print', 'writers' = '1');
INSERT INTO one SELECT k, SUM(n) FROM narrow GROUP BY k;
---- plan
Sink(one)  [retract by (k), parallelism 1]
│   delivery: at least once: written at once
│   uid: one
└─ Calc  [retract by (k), parallelism 2]
   │   columns: k, SUM(n) AS n
   │   uid: calc-1effa4c382a16eea
   └─ Aggregate(k)  [retract by (k), parallelism 2]
      │   keys: k
      │   calls: SUM(n)
      │   state: unbounded: one row for every key there ever was
      │   uid: aggregate-6e4969c48238949c_94b95620
      └─ Source(narrow)  [append-only, parallelism 1]
             columns: k, n
             input: bounded
             uid: source-narrow
chain 0 x1: Source(narrow) -> LocalAggregate(k)
chain 1 x2: Aggregate(k) -> Calc
chain 2 x1: Sink(one)
edge 0 -> 1: Hash { columns: [0] }
edge 1 -> 2: Single
