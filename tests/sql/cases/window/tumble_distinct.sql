-- feature: window DISTINCT
-- about: COUNT, SUM and AVG of DISTINCT values
-- oracle: flink 2.3.0

CREATE TABLE clicks (
  ts TIMESTAMP(3),
  k STRING,
  v INT,
  m DECIMAL(6, 2),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/clicks.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT window_start, COUNT(DISTINCT k) AS keys, COUNT(DISTINCT v) AS vals, SUM(DISTINCT v) AS s, AVG(DISTINCT v) AS a, COUNT(*) AS n
FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '30' SECOND)) GROUP BY window_start, window_end;
