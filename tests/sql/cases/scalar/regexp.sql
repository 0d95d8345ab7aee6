-- feature: pattern matching
-- about: REGEXP finds anywhere
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
SELECT id, REGEXP(s, '^[a-z ]+$') AS a, REGEXP(s, 'l+') AS b, REGEXP(s, '\d') AS c FROM strings;
