-- feature: comparison
-- about: IS DISTINCT FROM treats NULL as a value
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
SELECT id, a IS DISTINCT FROM b AS d, a IS NOT DISTINCT FROM b AS n, a = b AS e, a <> b AS u FROM bools;
