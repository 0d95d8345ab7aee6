-- feature: filter
-- about: a boolean column as the condition
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
SELECT id FROM bools WHERE a AND b IS NOT TRUE;
