-- feature: pattern matching
-- about: SIMILAR TO
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
SELECT id, s SIMILAR TO '(a|h)%' AS a, s SIMILAR TO '[a-z]+( [a-z]+)?' AS b, s NOT SIMILAR TO '%-%' AS c FROM strings;
