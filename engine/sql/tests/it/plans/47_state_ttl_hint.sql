SET 'table.exec.state.ttl' = '90 s';
SET 'table.exec.state.ttl.time' = 'event';
CREATE VIEW v AS SELECT /*+ STATE_TTL('o' = '1 d') */ k, a, COUNT(*) AS n FROM t AS o WHERE flag GROUP BY k, a;
INSERT INTO p SELECT /*+ STATE_TTL('v' = '0') */ k, SUM(n) FROM v GROUP BY k;
INSERT INTO p SELECT k, SUM(n) FROM (SELECT /*+ STATE_TTL('t' = '2 d') */ k, a, COUNT(*) AS n FROM t WHERE flag GROUP BY k, a) GROUP BY k;
EXPLAIN SELECT /*+ STATE_TTL('t' = '5 min') */ DISTINCT a, COUNT(*) FROM t GROUP BY a, k;
EXPLAIN SELECT k, COUNT(*) FROM (SELECT /*+ STATE_TTL('x' = '7 ms') */ DISTINCT k, a FROM (SELECT k, a FROM plain) AS x) AS y GROUP BY k;
EXPLAIN SELECT /*+ STATE_TTL('t' = '1 h') */ k, COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' HOUR)) GROUP BY k;
EXPLAIN WITH x AS (SELECT /*+ STATE_TTL('t' = '3 h') */ k, COUNT(*) AS n FROM t GROUP BY k) SELECT n, COUNT(*) FROM x GROUP BY n;
EXPLAIN SELECT /*+ STATE_TTL('t' = '4 h') */ *, MAX(a) FROM (SELECT k, a FROM t WHERE a > 1) AS t GROUP BY k, a HAVING a < 9;
---- plan
Sink(p)  [retract by (k), parallelism 2]
│   delivery: at least once: written at once
│   uid: p
└─ Calc  [retract by (k), parallelism 2]
   │   columns: k, SUM(COUNT(*)) AS n
   │   uid: calc-6b2c5882c38cb4dd
   └─ Aggregate(k)  [retract by (k), parallelism 2]
      │   keys: k
      │   calls: SUM(COUNT(*))
      │   state: unbounded: one row for every key there ever was
      │   uid: aggregate-631e8ea8ff126d30_350edf33
      └─ Calc  [retract, parallelism 2]
         │   columns: k, COUNT(*)
         │   uid: calc-62356feec7cea51e
         └─ Aggregate(k, a)  [retract by (k, a), parallelism 2]
            │   keys: k, a
            │   calls: COUNT(*)
            │   state: one row for every key that has not expired
            │   ttl: 1 d of event time
            │   uid: aggregate-2f4bcf1e43713e6a_57fc15ed
            └─ Calc  [append-only, parallelism 2]
               │   filter: flag
               │   columns: k, a
               │   uid: calc-efed842e02fc767a
               └─ Source(t)  [append-only, parallelism 2]
                      columns: k, a, flag
                      watermark: ts AS ts - INTERVAL '5' SECOND
                      input: unbounded
                      uid: source-t
Sink(p)  [retract by (k), parallelism 2]
│   delivery: at least once: written at once
│   uid: p-2
└─ Calc  [retract by (k), parallelism 2]
   │   columns: k, SUM(COUNT(*)) AS n
   │   uid: calc-6b2c5882c38cb4dd-2
   └─ Aggregate(k)  [retract by (k), parallelism 2]
      │   keys: k
      │   calls: SUM(COUNT(*))
      │   state: one row for every key that has not expired
      │   ttl: 90 s of event time
      │   uid: aggregate-631e8ea8ff126d30_350edf33-2
      └─ Calc  [retract, parallelism 2]
         │   columns: k, COUNT(*)
         │   uid: calc-62356feec7cea51e-2
         └─ Aggregate(k, a)  [retract by (k, a), parallelism 2]
            │   keys: k, a
            │   calls: COUNT(*)
            │   state: one row for every key that has not expired
            │   ttl: 2 d of event time
            │   uid: aggregate-2f4bcf1e43713e6a_57fc15ed-2
            └─ Calc (see above)  [append-only, parallelism 2]
warning: the state of Aggregate(k) grows with every new key and is never dropped: its input has no end; aggregate by windows or set 'table.exec.state.ttl' to bound it
EXPLAIN
Collect  [retract by (a, EXPR$1), parallelism 1]
│   uid: collect
└─ Calc  [retract by (a, EXPR$1), parallelism 2]
   │   columns: a, COUNT(*) AS EXPR$1
   │   uid: calc-2c00968605029169
   └─ Aggregate(a, COUNT(*))  [retract by (a, COUNT(*)), parallelism 2]
      │   keys: a, COUNT(*)
      │   state: one row for every key that has not expired
      │   ttl: 5 min of event time
      │   uid: aggregate-b608f1d99d134273_28f56ed3
      └─ Calc  [retract, parallelism 2]
         │   columns: a, COUNT(*)
         │   uid: calc-914f40a0466c6c73
         └─ Aggregate(a, k)  [retract by (a, k), parallelism 2]
            │   keys: a, k
            │   calls: COUNT(*)
            │   state: one row for every key that has not expired
            │   ttl: 5 min of event time
            │   uid: aggregate-8c7362c4ab5117c8_57fc15ed
            └─ Calc  [append-only, parallelism 2]
               │   columns: a, k
               │   uid: calc-4849ff914b85669d
               └─ Source(t)  [append-only, parallelism 2]
                      columns: k, a
                      watermark: ts AS ts - INTERVAL '5' SECOND
                      input: unbounded
                      uid: source-t
EXPLAIN
Collect  [retract by (k), parallelism 1]
│   uid: collect
└─ Calc  [retract by (k), parallelism 2]
   │   columns: k, COUNT(*) AS EXPR$1
   │   uid: calc-73f8628c6b6b2c9f
   └─ Aggregate(k)  [retract by (k), parallelism 2]
      │   keys: k
      │   calls: COUNT(*)
      │   state: one row for every key that has not expired
      │   ttl: 90 s of event time
      │   uid: aggregate-84f73081dbda0bc9_a877d560
      └─ Calc  [append-only, parallelism 2]
         │   columns: k
         │   uid: calc-79f0f9a9af5b1865
         └─ Aggregate(k, a)  [append-only, parallelism 2]
            │   keys: k, a
            │   state: one row for every key that has not expired
            │   ttl: 7 ms of event time
            │   uid: aggregate-4f3d18339b6c297a_578a3e65
            └─ Source(plain)  [append-only, parallelism 2]
                   columns: k, a
                   input: unbounded
                   uid: source-plain
warning: the state of Aggregate(k, a) never expires: it does so in event time, and no watermark reaches it
warning: the state of Aggregate(k) never expires: it does so in event time, and no watermark reaches it
EXPLAIN
Collect  [retract by (k), parallelism 1]
│   uid: collect
└─ Calc  [retract by (k), parallelism 2]
   │   columns: k, COUNT(*) AS EXPR$1
   │   uid: calc-aae39fdeb58f35c0
   └─ Aggregate(k)  [retract by (k), parallelism 2]
      │   keys: k
      │   calls: COUNT(*)
      │   state: one row for every key that has not expired
      │   ttl: 1 h of event time
      │   uid: aggregate-9152ee5311137495_57fc15ed
      └─ Calc  [append-only, parallelism 2]
         │   columns: k
         │   uid: calc-c4055f553de873ad
         └─ WindowAssign  [append-only, parallelism 2]
            │   window: TUMBLE(ts, size 1 h)
            │   uid: window-assign-749683b6f12d9f88
            └─ Calc  [append-only, parallelism 2]
               │   columns: k, ts AS $rowtime
               │   uid: calc-f323134c2b494d81
               └─ Source(t)  [append-only, parallelism 2]
                      columns: k, ts
                      watermark: ts AS ts - INTERVAL '5' SECOND
                      input: unbounded
                      uid: source-t
EXPLAIN
Collect  [retract by (n), parallelism 1]
│   uid: collect
└─ Calc  [retract by (n), parallelism 2]
   │   columns: COUNT(*) AS n, COUNT(*)0 AS EXPR$1
   │   uid: calc-6b435db7baf011de
   └─ Aggregate(COUNT(*))  [retract by (COUNT(*)), parallelism 2]
      │   keys: COUNT(*)
      │   calls: COUNT(*)
      │   state: one row for every key that has not expired
      │   ttl: 90 s of event time
      │   uid: aggregate-5b1f199abacd97b3_a10e90eb
      └─ Calc  [retract, parallelism 2]
         │   columns: COUNT(*)
         │   uid: calc-16747d0fc597ac5d
         └─ Aggregate(k)  [retract by (k), parallelism 2]
            │   keys: k
            │   calls: COUNT(*)
            │   state: one row for every key that has not expired
            │   ttl: 3 h of event time
            │   uid: aggregate-9152ee5311137495_57fc15ed
            └─ Source(t)  [append-only, parallelism 2]
                   columns: k
                   watermark: ts AS ts - INTERVAL '5' SECOND
                   input: unbounded
                   uid: source-t
EXPLAIN
Collect  [retract by (k, a), parallelism 1]
│   uid: collect
└─ Calc  [retract by (k, a), parallelism 2]
   │   columns: k, a, MAX(a) AS EXPR$2
   │   uid: calc-0224ec86e0f5b457
   └─ Aggregate(k, a)  [retract by (k, a), parallelism 2]
      │   keys: k, a
      │   calls: MAX(a)
      │   state: one row for every key that has not expired
      │   ttl: 4 h of event time
      │   uid: aggregate-2f4bcf1e43713e6a_a0ee340c
      └─ Calc  [append-only, parallelism 2]
         │   filter: a > 1 AND a < 9
         │   columns: k, a
         │   uid: calc-ecaa2cf0513ff30c
         └─ Source(t)  [append-only, parallelism 2]
                columns: k, a
                watermark: ts AS ts - INTERVAL '5' SECOND
                input: unbounded
                uid: source-t
chain 0 x2: Source(t) -> Calc
chain 1 x2: LocalAggregate(k, a)
chain 2 x2: Aggregate(k, a) -> Calc
chain 3 x2: Aggregate(k) -> Calc -> Sink(p)
chain 4 x2: LocalAggregate(k, a)
chain 5 x2: Aggregate(k, a) -> Calc
chain 6 x2: Aggregate(k) -> Calc -> Sink(p)
edge 0 -> 1: Forward
edge 1 -> 2: Hash { columns: [0, 1] }
edge 2 -> 3: Hash { columns: [0] }
edge 0 -> 4: Forward
edge 4 -> 5: Hash { columns: [0, 1] }
edge 5 -> 6: Hash { columns: [0] }
