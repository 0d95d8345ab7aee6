-- feature: string functions
-- about: UPPER, LOWER, INITCAP keep what has no case
-- oracle: flink 2.3.0

CREATE TABLE strings (
  id INT,
  s STRING,
  t STRING,
  n INT
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/strings.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT id, UPPER(s) AS u, LOWER(s) AS l, INITCAP(s) AS i FROM strings;
