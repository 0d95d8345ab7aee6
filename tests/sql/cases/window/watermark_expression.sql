-- feature: watermarks
-- about: a watermark from an expression over another column
-- oracle: flink 2.3.0

CREATE TABLE late (
  id INT,
  ts TIMESTAMP(3),
  k STRING,
  v BIGINT,
  WATERMARK FOR ts AS TIMESTAMPADD(SECOND, -60, ts)
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/late.csv',
  'format' = 'csv'
);
SELECT window_start, k, SUM(v) AS s FROM TABLE(TUMBLE(TABLE late, DESCRIPTOR(ts), INTERVAL '20' SECOND)) GROUP BY window_start, window_end, k;
