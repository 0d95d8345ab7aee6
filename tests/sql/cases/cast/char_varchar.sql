-- feature: casts to strings
-- about: CHAR(n) pads and cuts, VARCHAR(n) cuts
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
SELECT id, CAST(s AS CHAR(5)) AS a, CAST(s AS VARCHAR(5)) AS b, CAST(t AS CHAR(3)) AS c, CHAR_LENGTH(CAST(t AS CHAR(3))) AS d FROM strings;
