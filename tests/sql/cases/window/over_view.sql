-- feature: windows over views
-- about: a view with a filter, a projection and a computed value
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
CREATE VIEW busy AS SELECT ts, COALESCE(k, 'none') AS who, v * 10 AS w FROM clicks WHERE v IS NOT NULL;
SELECT window_start, who, SUM(w) AS s FROM TABLE(TUMBLE(TABLE busy, DESCRIPTOR(ts), INTERVAL '20' SECOND)) GROUP BY window_start, window_end, who;
