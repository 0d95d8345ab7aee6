-- feature: sessions
-- about: the group window without a key, and a HAVING
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
SELECT SESSION_END(ts, INTERVAL '3' SECOND) AS e, COUNT(DISTINCT k) AS keys FROM clicks
GROUP BY SESSION(ts, INTERVAL '3' SECOND) HAVING COUNT(*) > 1;
