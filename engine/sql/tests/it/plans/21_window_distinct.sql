SELECT window_start, COUNT(DISTINCT k) AS c FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end;
---- plan
Collect  [append-only, parallelism 1]
│   uid: collect
└─ Calc  [append-only, parallelism 1]
   │   columns: window_start, COUNT(DISTINCT k) AS c
   │   uid: calc-c8ecdf8e36567d9f
   └─ WindowAggregate  [append-only, parallelism 1]
      │   window: TUMBLE(ts, size 1 min)
      │   calls: COUNT(DISTINCT k)
      │   state: until the watermark passes the window's end
      │   uid: window-aggregate-2ed5cafd0c4c3737_56eb844f
      └─ Calc  [append-only, parallelism 2]
         │   columns: ts, k
         │   uid: calc-556000109a8ab6dc
         └─ Source(t)  [append-only, parallelism 2]
                columns: k, ts
                watermark: ts AS ts - INTERVAL '5' SECOND
                input: unbounded
                uid: source-t
chain 0 x2: Source(t) -> Calc
chain 1 x1: WindowAggregate -> Calc -> Collect
edge 0 -> 1: Single
