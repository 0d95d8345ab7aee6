SELECT COUNT(*), SUM(a) FROM t;
---- plan
Collect  [retract, parallelism 1]
│   uid: collect
└─ Calc  [retract, parallelism 1]
   │   columns: COUNT(*) AS EXPR$0, SUM(a) AS EXPR$1
   │   uid: calc-df85846f100ed94a
   └─ Aggregate  [retract, parallelism 1]
      │   calls: COUNT(*), SUM(a)
      │   state: one row
      │   uid: aggregate-717a50c93d19dcd8_3454069a
      └─ Source(t)  [append-only, parallelism 2]
             columns: a
             watermark: ts AS ts - INTERVAL '5' SECOND
             input: unbounded
             uid: source-t
chain 0 x2: Source(t) -> LocalAggregate
chain 1 x1: Aggregate -> Calc -> Collect
edge 0 -> 1: Single
