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
   │   uid: calc-2dffe6cce6685bdb
   └─ Aggregate(k)  [retract by (k), parallelism 2]
      │   keys: k
      │   calls: COUNT(*)
      │   state: one row for every key that has not expired
      │   ttl: 12 h of processing time
      │   uid: aggregate-f459dd33677491e7
      └─ Calc  [append-only, parallelism 2]
         │   columns: k
         │   uid: calc-63982ac65abf3203
         └─ Aggregate(k, a)  [append-only, parallelism 2]
            │   keys: k, a
            │   state: one row for every key that has not expired
            │   ttl: 12 h of processing time
            │   uid: aggregate-0802cc94250c7b62
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
   │   uid: calc-98226477b53d3923
   └─ Aggregate  [retract, parallelism 1]
      │   calls: MAX(a)
      │   state: one row
      │   ttl: 12 h of processing time
      │   uid: aggregate-e5e3aa8364f64dcf
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
   │   uid: calc-ec48f6d2b89d8a4d
   └─ WindowAggregate(k)  [append-only, parallelism 2]
      │   window: TUMBLE(ts, size 1 h)
      │   keys: k
      │   calls: COUNT(*)
      │   state: until the watermark passes the window's end
      │   uid: window-aggregate-81c1b717b01c0815
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
