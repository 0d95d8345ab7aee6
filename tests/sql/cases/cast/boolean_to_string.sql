-- feature: casts to strings
-- about: TRUE and FALSE in capitals; CHAR pads, VARCHAR cuts
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
SELECT id, CAST(a AS STRING) AS c, CAST(b AS VARCHAR(2)) AS d, CAST(a AS CHAR(6)) AS e FROM bools;
