-- feature: comparison
-- about: strings compare by code point
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
SELECT id, s < t AS a, s > 'a' AS b, s = 'abc' AS c, s >= 'é' AS d, s BETWEEN 'a' AND 'm' AS e FROM strings;
