-- feature: late rows
-- about: a plain group takes late rows like any other
-- oracle: flink 2.3.0

CREATE TABLE late (
  id INT,
  ts TIMESTAMP(3),
  k STRING,
  v BIGINT,
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/late.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT k, COUNT(*) AS n, SUM(v) AS s FROM late GROUP BY k;
