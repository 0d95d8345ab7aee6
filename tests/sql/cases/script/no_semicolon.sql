-- feature: scripts
-- about: the last statement without a semicolon, keywords in mixed case
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
Select K.`k`, Count(*) As n From scores As K Where v Is Not Null Group By K.`k`
