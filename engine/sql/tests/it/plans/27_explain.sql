EXPLAIN SELECT k FROM t;
EXPLAIN PLAN FOR INSERT INTO p SELECT k, COUNT(*) FROM t GROUP BY k;
---- plan
EXPLAIN
Collect  [append-only, parallelism 1]
│   uid: collect
└─ Source(t)  [append-only, parallelism 2]
       columns: k
       watermark: ts AS ts - INTERVAL '5' SECOND
       input: unbounded
       uid: source-t
EXPLAIN
Sink(p)  [retract by (k), parallelism 2]
│   delivery: at least once: written at once
│   uid: p
└─ Calc  [retract by (k), parallelism 2]
   │   columns: k, COUNT(*) AS n
   │   uid: calc-3dc96908292e6838
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
