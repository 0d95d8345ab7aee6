-- feature: boolean logic
-- about: AND, OR, NOT over true, false and unknown
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
SELECT id, a AND b AS c, a OR b AS d, NOT a AS e, a AND NOT b AS f, NOT (a OR b) AS g FROM bools;
