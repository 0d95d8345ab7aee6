-- feature: several windows
-- about: a tumbling and a hopping window over one view
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
CREATE VIEW known AS SELECT ts, k, v FROM clicks WHERE k IS NOT NULL;
SELECT 'tumble' AS kind, window_start, window_end, SUM(v) AS s FROM TABLE(TUMBLE(TABLE known, DESCRIPTOR(ts), INTERVAL '20' SECOND)) GROUP BY window_start, window_end
UNION ALL
SELECT 'hop', window_start, window_end, SUM(v) FROM TABLE(HOP(TABLE known, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '20' SECOND)) GROUP BY window_start, window_end;
