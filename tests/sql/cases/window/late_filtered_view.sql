-- feature: late rows
-- about: rows that a view leaves out still move the watermark
-- oracle: flink 2.3.0
-- marks: order-dependent

CREATE TABLE late (
  id INT,
  ts TIMESTAMP(3),
  k STRING,
  v BIGINT,
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/late.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
CREATE VIEW only_a AS SELECT ts, v FROM late WHERE k = 'a';
SELECT window_start, COUNT(*) AS n, SUM(v) AS s FROM TABLE(TUMBLE(TABLE only_a, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
