-- feature: windows as plain groups
-- about: SELECT DISTINCT over the rows of a window function
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
SELECT DISTINCT window_start, k FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '30' SECOND)) WHERE k IS NOT NULL;
