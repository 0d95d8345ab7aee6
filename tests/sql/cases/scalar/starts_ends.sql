-- feature: string functions
-- about: STARTSWITH and ENDSWITH
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
SELECT id, STARTSWITH(s, 'a') AS a, ENDSWITH(s, 'd') AS b, STARTSWITH(s, t) AS c, ENDSWITH(s, '') AS d FROM strings;
