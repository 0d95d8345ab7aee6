-- feature: pattern matching
-- about: REGEXP_EXTRACT of groups
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
SELECT id, REGEXP_EXTRACT(s, '([a-z]+)[ -]([a-z]+)', 1) AS a, REGEXP_EXTRACT(s, '([a-z]+)[ -]([a-z]+)', 2) AS b,
  REGEXP_EXTRACT(s, '[a-z]+') AS c, REGEXP_EXTRACT(s, '(\p{L}+)', 1) AS d
FROM strings;
