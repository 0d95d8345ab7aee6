-- feature: BOOLEAN
-- about: read from CSV and used as values
-- oracle: flink 2.3.0

CREATE TABLE bools (
  id INT,
  a BOOLEAN,
  b BOOLEAN
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/bools.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT id, a, b, a = b AS same, a > b AS above FROM bools;
