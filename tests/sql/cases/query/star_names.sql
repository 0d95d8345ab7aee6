-- feature: projection
-- about: the names of columns that two stars and a column share
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
SELECT *, *, k, * FROM (SELECT k, v AS k0 FROM scores) WHERE k0 >= 5;
