-- feature: sessions
-- about: rows at the very end of a session, and a millisecond behind it
-- oracle: flink 2.3.0

CREATE TABLE boundary (
  id INT,
  ts TIMESTAMP(3),
  v INT,
  WATERMARK FOR ts AS ts - INTERVAL '60' SECOND
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/boundary.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT window_start, window_end, COUNT(*) AS n, SUM(v) AS s
FROM TABLE(SESSION(TABLE boundary, DESCRIPTOR(ts), INTERVAL '1' SECOND)) GROUP BY window_start, window_end;
