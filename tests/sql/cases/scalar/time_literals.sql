-- feature: literals
-- about: DATE, TIME, TIMESTAMP and INTERVAL literals
-- oracle: flink 2.3.0

CREATE TABLE scores (
  k STRING,
  v INT
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/scores.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT k, DATE '2024-02-29' AS a, TIME '23:59:59' AS b, TIMESTAMP '2024-01-01 00:00:00' AS c, TIMESTAMP '2024-01-01 00:00:00.123456789' AS d,
  TIMESTAMP '2024-01-01 00:00:00.5' AS e
FROM scores WHERE v = 9;
