-- feature: boolean logic
-- about: IS [NOT] TRUE, FALSE, UNKNOWN
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
SELECT id, a IS TRUE AS c, a IS NOT TRUE AS d, a IS FALSE AS e, a IS NOT FALSE AS f, a IS UNKNOWN AS g, a IS NOT UNKNOWN AS h, (a AND b) IS UNKNOWN AS i FROM bools;
