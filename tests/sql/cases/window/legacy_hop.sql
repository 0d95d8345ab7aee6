-- feature: legacy group windows
-- about: GROUP BY HOP with HOP_START and HOP_END
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
SELECT HOP_START(ts, INTERVAL '10' SECOND, INTERVAL '20' SECOND) AS ws, HOP_END(ts, INTERVAL '10' SECOND, INTERVAL '20' SECOND) AS we, k, SUM(v) AS s FROM clicks GROUP BY HOP(ts, INTERVAL '10' SECOND, INTERVAL '20' SECOND), k;
