-- feature: pattern matching
-- about: REGEXP_REPLACE of every match; a dollar sign is no reference
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
SELECT id, REGEXP_REPLACE(s, '[aeiou]', '*') AS a, REGEXP_REPLACE(s, '(\w+) (\w+)', '$2') AS b, REGEXP_REPLACE(s, '\s+', '') AS c,
  REGEXP_REPLACE(s, 'q', t) AS d
FROM strings;
