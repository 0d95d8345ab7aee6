-- feature: legacy group windows
-- about: TUMBLE_ROWTIME and a HAVING
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
SELECT TUMBLE_ROWTIME(ts, INTERVAL '20' SECOND) AS rt, SUM(v) AS s, COUNT(DISTINCT k) AS keys FROM clicks GROUP BY TUMBLE(ts, INTERVAL '20' SECOND) HAVING COUNT(*) > 1;
