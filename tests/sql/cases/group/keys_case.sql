-- feature: GROUP BY keys
-- about: a CASE as the key
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
SELECT CASE WHEN v < 0 THEN 'minus' WHEN v > 3 THEN 'large' ELSE 'rest' END AS class, COUNT(*) AS n, SUM(v) AS s FROM scores GROUP BY CASE WHEN v < 0 THEN 'minus' WHEN v > 3 THEN 'large' ELSE 'rest' END;
