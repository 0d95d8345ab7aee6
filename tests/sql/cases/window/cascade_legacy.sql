-- feature: cascading windows
-- about: by TUMBLE_ROWTIME
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
CREATE VIEW small AS SELECT TUMBLE_ROWTIME(ts, INTERVAL '10' SECOND) AS rt, COUNT(*) AS n, MAX(v) AS hi FROM clicks GROUP BY TUMBLE(ts, INTERVAL '10' SECOND);
SELECT TUMBLE_END(rt, INTERVAL '30' SECOND) AS we, SUM(n) AS total, MAX(hi) AS hi FROM small GROUP BY TUMBLE(rt, INTERVAL '30' SECOND);
