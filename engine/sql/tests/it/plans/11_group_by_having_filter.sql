SELECT k, SUM(a) FILTER (WHERE flag) AS s, AVG(d), MIN(ts), COUNT(b) FROM t GROUP BY k HAVING SUM(a) > 10 AND k <> 'x';
---- plan
Collect  [retract by (k), parallelism 1]
│   uid: collect
└─ Calc  [retract by (k), parallelism 2]
   │   filter: SUM(a) > 10
   │   columns: k, SUM(a) FILTER (WHERE flag) AS s, AVG(d) AS EXPR$2, MIN(ts) AS EXPR$3, COUNT(b) AS EXPR$4
   │   uid: calc-16f9d9d85b352ef9
   └─ Aggregate(k)  [retract by (k), parallelism 2]
      │   keys: k
      │   calls: SUM(a) FILTER (WHERE flag), AVG(d), MIN(ts), COUNT(b), SUM(a)
      │   state: unbounded: one row for every key there ever was
      │   uid: aggregate-9152ee5311137495_daf7e378
      └─ Calc  [append-only, parallelism 2]
         │   filter: k <> 'x'
         │   columns: k, a, flag, d, ts, b
         │   uid: calc-08876705ab4aea55
         └─ Source(t)  [append-only, parallelism 2]
                columns: k, a, b, d, ts, flag
                watermark: ts AS ts - INTERVAL '5' SECOND
                input: unbounded
                uid: source-t
warning: the state of Aggregate(k) grows with every new key and is never dropped: its input has no end; aggregate by windows or set 'table.exec.state.ttl' to bound it
chain 0 x2: Source(t) -> Calc -> LocalAggregate(k)
chain 1 x2: Aggregate(k) -> Calc
chain 2 x1: Collect
edge 0 -> 1: Hash { columns: [0] }
edge 1 -> 2: Single
