CREATE TEMPORARY VIEW v (key1, total) AS SELECT k, SUM(b) FROM t GROUP BY k;
EXECUTE STATEMENT SET BEGIN
INSERT INTO p SELECT key1, total FROM v;
INSERT INTO p SELECT key1, total FROM v WHERE total > 10;
END;
---- plan
Sink(p)  [retract by (k), parallelism 2]
│   delivery: at least once: written at once
│   uid: p
└─ Calc  [retract by (k), parallelism 2]
   │   columns: k, SUM(b) AS n
   │   uid: calc-1dd05160bb6cda9c
   └─ Aggregate(k)  [retract by (k), parallelism 2]
      │   keys: k
      │   calls: SUM(b)
      │   state: unbounded: one row for every key there ever was
      │   uid: aggregate-9152ee5311137495_d40b050c
      └─ Source(t)  [append-only, parallelism 2]
             columns: k, b
             watermark: ts AS ts - INTERVAL '5' SECOND
             input: unbounded
             uid: source-t
Sink(p)  [retract by (k), parallelism 2]
│   delivery: at least once: written at once
│   uid: p-2
└─ Calc  [retract by (k), parallelism 2]
   │   filter: SUM(b) > 10
   │   columns: k, SUM(b) AS n
   │   uid: calc-4ffa8fdda113be35
   └─ Aggregate(k) (see above)  [retract by (k), parallelism 2]
warning: the state of Aggregate(k) grows with every new key and is never dropped: its input has no end; aggregate by windows or set 'table.exec.state.ttl' to bound it
chain 0 x2: Source(t) -> LocalAggregate(k)
chain 1 x2: Aggregate(k)
chain 2 x2: Calc -> Sink(p)
chain 3 x2: Calc -> Sink(p)
edge 0 -> 1: Hash { columns: [0] }
edge 1 -> 2: Forward
edge 1 -> 3: Forward
