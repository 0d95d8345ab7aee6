-- feature: groups that vanish
-- about: SELECT DISTINCT over maxima that grow
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
SELECT DISTINCT hi FROM (SELECT k, MAX(v) AS hi FROM scores GROUP BY k);
