SET 'table.exec.state.ttl' = '12 h';
INSERT INTO p SELECT k, COUNT(*) FROM (SELECT DISTINCT k, a FROM t) GROUP BY k;
EXPLAIN SELECT MAX(a) FROM t;
EXPLAIN SELECT k, COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' HOUR)) GROUP BY k, window_start, window_end;
---- plan
Sink(p)  [retract by (k), parallelism 2]
│   delivery: at least once: written at once
│   uid: p
└─ Calc  [retract by (k), parallelism 2]
   │   columns: k, COUNT(*) AS n
   │   uid: calc-9e6b7fd4f3569261
   └─ Aggregate(k)  [retract by (k), parallelism 2]
      │   keys: k
      │   calls: COUNT(*)
      │   state: one row for every key that has not expired
      │   ttl: 12 h of processing time
      │   uid: aggregate-631e8ea8ff126d30_32311f72
      └─ Calc  [append-only, parallelism 2]
         │   columns: k
         │   uid: calc-00f6e8afc5940ad4
         └─ Aggregate(k, a)  [append-only, parallelism 2]
            │   keys: k, a
            │   state: one row for every key that has not expired
            │   ttl: 12 h of processing time
            │   uid: aggregate-2f4bcf1e43713e6a_06578bf9
            └─ Source(t)  [append-only, parallelism 2]
                   columns: k, a
                   watermark: ts AS ts - INTERVAL '5' SECOND
                   input: unbounded
                   uid: source-t
EXPLAIN
Collect  [retract, parallelism 1]
│   uid: collect
└─ Calc  [retract, parallelism 1]
   │   columns: MAX(a) AS EXPR$0
   │   uid: calc-0898b35e3fc51fb2
   └─ Aggregate  [retract, parallelism 1]
      │   calls: MAX(a)
      │   state: one row
      │   ttl: 12 h of processing time
      │   uid: aggregate-717a50c93d19dcd8_a0ee340c
      └─ Source(t)  [append-only, parallelism 2]
             columns: a
             watermark: ts AS ts - INTERVAL '5' SECOND
             input: unbounded
             uid: source-t
EXPLAIN
Collect  [append-only, parallelism 1]
│   uid: collect
└─ Calc  [append-only, parallelism 2]
   │   columns: k, COUNT(*) AS EXPR$1
   │   uid: calc-67a684e1fd6713f4
   └─ WindowAggregate(k)  [append-only, parallelism 2]
      │   window: TUMBLE(ts, size 1 h)
      │   keys: k
      │   calls: COUNT(*)
      │   state: until the watermark passes the window's end
      │   uid: window-aggregate-009e4cd8d2ed2a4b_57fc15ed
      └─ Source(t)  [append-only, parallelism 2]
             columns: k, ts
             watermark: ts AS ts - INTERVAL '5' SECOND
             input: unbounded
             uid: source-t
chain 0 x2: Source(t) -> LocalAggregate(k, a)
chain 1 x2: Aggregate(k, a) -> Calc -> LocalAggregate(k)
chain 2 x2: Aggregate(k) -> Calc -> Sink(p)
edge 0 -> 1: Hash { columns: [0, 1] }
edge 1 -> 2: Hash { columns: [0] }
