-- feature: late rows
-- about: late rows are missing at the second level too
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
CREATE VIEW small AS SELECT window_time AS rt, SUM(v) AS s, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE late, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end, window_time;
SELECT window_start, window_end, SUM(s) AS s, SUM(n) AS n FROM TABLE(TUMBLE(TABLE small, DESCRIPTOR(rt), INTERVAL '30' SECOND)) GROUP BY window_start, window_end;
