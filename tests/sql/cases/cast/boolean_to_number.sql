-- feature: casts of numbers
-- about: BOOLEAN to numbers and back
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
SELECT id, CAST(a AS INT) AS c, CAST(b AS BIGINT) AS d, CAST(a AS DOUBLE) AS e, CAST(id - 1 AS BOOLEAN) AS f, CAST(a AS DECIMAL(3, 1)) AS g FROM bools;
