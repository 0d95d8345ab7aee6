-- feature: BYTES
-- about: strings to bytes and back
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
SELECT id, CAST(s AS BYTES) AS a, CAST(CAST(s AS BYTES) AS STRING) AS b, CAST(s AS BINARY(4)) AS c, CAST(s AS VARBINARY(4)) AS d FROM strings;
