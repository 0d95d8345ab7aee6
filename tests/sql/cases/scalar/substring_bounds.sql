-- feature: string functions
-- about: SUBSTRING with positions and lengths from columns, also negative ones
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
SELECT id, n, SUBSTRING(s, n) AS a, SUBSTRING(s, n, 2) AS b, SUBSTRING(s, 2, n) AS c FROM strings;
