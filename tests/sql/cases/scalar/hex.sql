-- feature: hashes and encodings
-- about: HEX of strings and numbers, UNHEX
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
SELECT id, HEX(s) AS a, HEX(n) AS b, UNHEX('4D7953716C') AS c FROM strings;
