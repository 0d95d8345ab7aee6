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
   │   uid: calc-23d5466ef1759857
   └─ Aggregate(k)  [retract by (k), parallelism 2]
      │   keys: k
      │   calls: SUM(COUNT(*))
      │   state: unbounded: one row for every key there ever was
      │   uid: aggregate-8dc7a60faddb8a17_2008b566
      └─ Calc  [retract, parallelism 2]
         │   columns: k, COUNT(*)
         │   uid: calc-290f117528f421ae
         └─ Aggregate(k, a)  [retract by (k, a), parallelism 2]
            │   keys: k, a
            │   calls: COUNT(*)
            │   state: one row for every key that has not expired
            │   ttl: 1 d of event time
            │   uid: aggregate-ab390aa775bca1d7_57fc15ed
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
   │   uid: calc-23d5466ef1759857-2
   └─ Aggregate(k)  [retract by (k), parallelism 2]
      │   keys: k
      │   calls: SUM(COUNT(*))
      │   state: one row for every key that has not expired
      │   ttl: 90 s of event time
      │   uid: aggregate-8dc7a60faddb8a17_2008b566-2
      └─ Calc  [retract, parallelism 2]
         │   columns: k, COUNT(*)
         │   uid: calc-290f117528f421ae-2
         └─ Aggregate(k, a)  [retract by (k, a), parallelism 2]
            │   keys: k, a
            │   calls: COUNT(*)
            │   state: one row for every key that has not expired
            │   ttl: 2 d of event time
            │   uid: aggregate-ab390aa775bca1d7_57fc15ed-2
            └─ Calc (see above)  [append-only, parallelism 2]
warning: the state of Aggregate(k) grows with every new key and is never dropped: its input has no end; aggregate by windows or set 'table.exec.state.ttl' to bound it
EXPLAIN
Collect  [retract by (a, EXPR$1), parallelism 1]
│   uid: collect
└─ Calc  [retract by (a, EXPR$1), parallelism 2]
   │   columns: a, COUNT(*) AS EXPR$1
   │   uid: calc-45be6d12d4859d74
   └─ Aggregate(a, COUNT(*))  [retract by (a, COUNT(*)), parallelism 2]
      │   keys: a, COUNT(*)
      │   state: one row for every key that has not expired
      │   ttl: 5 min of event time
      │   uid: aggregate-16a633b67dbb45a6_6511d8a6
      └─ Calc  [retract, parallelism 2]
         │   columns: a, COUNT(*)
         │   uid: calc-354a7ecc9f5727a4
         └─ Aggregate(a, k)  [retract by (a, k), parallelism 2]
            │   keys: a, k
            │   calls: COUNT(*)
            │   state: one row for every key that has not expired
            │   ttl: 5 min of event time
            │   uid: aggregate-9c8d6ce3a51b6a3d_57fc15ed
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
   │   uid: calc-2090d0bec2faea0c
   └─ Aggregate(k)  [retract by (k), parallelism 2]
      │   keys: k
      │   calls: COUNT(*)
      │   state: one row for every key that has not expired
      │   ttl: 90 s of event time
      │   uid: aggregate-c9ac1433176193e5_ced87032
      └─ Calc  [append-only, parallelism 2]
         │   columns: k
         │   uid: calc-ac417577589f07fb
         └─ Aggregate(k, a)  [append-only, parallelism 2]
            │   keys: k, a
            │   state: one row for every key that has not expired
            │   ttl: 7 ms of event time
            │   uid: aggregate-ab54e16e14939b46_578a3e65
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
   │   uid: calc-2d03e6e2bed5f46c
   └─ Aggregate(k)  [retract by (k), parallelism 2]
      │   keys: k
      │   calls: COUNT(*)
      │   state: one row for every key that has not expired
      │   ttl: 1 h of event time
      │   uid: aggregate-75a62644231bae06_57fc15ed
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
   │   uid: calc-998b42964a8eaef0
   └─ Aggregate(COUNT(*))  [retract by (COUNT(*)), parallelism 2]
      │   keys: COUNT(*)
      │   calls: COUNT(*)
      │   state: one row for every key that has not expired
      │   ttl: 90 s of event time
      │   uid: aggregate-e3bd284d05d79cc1_e07a351c
      └─ Calc  [retract, parallelism 2]
         │   columns: COUNT(*)
         │   uid: calc-8700693c565ab6b9
         └─ Aggregate(k)  [retract by (k), parallelism 2]
            │   keys: k
            │   calls: COUNT(*)
            │   state: one row for every key that has not expired
            │   ttl: 3 h of event time
            │   uid: aggregate-75a62644231bae06_57fc15ed
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
   │   uid: calc-2885fd0ccefa572b
   └─ Aggregate(k, a)  [retract by (k, a), parallelism 2]
      │   keys: k, a
      │   calls: MAX(a)
      │   state: one row for every key that has not expired
      │   ttl: 4 h of event time
      │   uid: aggregate-ab390aa775bca1d7_a0ee340c
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
