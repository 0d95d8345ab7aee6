-- feature: views
-- about: a view with an aggregate, filtered from outside
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
CREATE VIEW totals AS SELECT k, COUNT(*) AS n, SUM(v) AS s FROM scores GROUP BY k;
SELECT k, s FROM totals WHERE n >= 3;
