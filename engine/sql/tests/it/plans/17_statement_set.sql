BEGIN STATEMENT SET;
INSERT INTO f SELECT k, b FROM t WHERE a > 0;
INSERT INTO p SELECT k, COUNT(*) FROM t GROUP BY k;
END;
---- plan
Sink(f)  [append-only, parallelism 2]
│   delivery: exactly once: published with checkpoints
│   uid: f
└─ Calc  [append-only, parallelism 2]
   │   filter: a > 0
   │   columns: k, b AS n
   │   uid: calc-73363b1cd3ea706c
   └─ Source(t)  [append-only, parallelism 2]
          columns: k, a, b
          watermark: ts AS ts - INTERVAL '5' SECOND
          input: unbounded
          uid: source-t
Sink(p)  [retract by (k), parallelism 2]
│   delivery: at least once: written at once
│   uid: p
└─ Calc  [retract by (k), parallelism 2]
   │   columns: k, COUNT(*) AS n
   │   uid: calc-facad10a377e8c89
   └─ Aggregate(k)  [retract by (k), parallelism 2]
      │   keys: k
      │   calls: COUNT(*)
      │   state: unbounded: one row for every key there ever was
      │   uid: aggregate-9152ee5311137495_57fc15ed
      └─ Calc  [append-only, parallelism 2]
         │   columns: k
         │   uid: calc-ff383ff8d82a5c3c
         └─ Source(t) (see above)  [append-only, parallelism 2]
warning: the state of Aggregate(k) grows with every new key and is never dropped: its input has no end; aggregate by windows or set 'table.exec.state.ttl' to bound it
chain 0 x2: Source(t)
chain 1 x2: Calc -> Sink(f)
chain 2 x2: Calc -> LocalAggregate(k)
chain 3 x2: Aggregate(k) -> Calc -> Sink(p)
edge 0 -> 1: Forward
edge 0 -> 2: Forward
edge 2 -> 3: Hash { columns: [0] }
