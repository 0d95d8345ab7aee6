-- feature: windows over views
-- about: the time column under another name
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
CREATE VIEW renamed AS SELECT ts AS happened, k AS who FROM clicks;
SELECT window_end, COUNT(DISTINCT who) AS n FROM TABLE(HOP(TABLE renamed, DESCRIPTOR(happened), INTERVAL '15' SECOND, INTERVAL '30' SECOND)) GROUP BY window_start, window_end;
