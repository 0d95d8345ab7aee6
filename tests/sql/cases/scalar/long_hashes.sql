-- feature: hashes and encodings
-- about: SHA384, SHA512 and SHA2 with a length from a column
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
SELECT id, SHA384(t) AS a, SHA512(t) AS b, SHA2(t, 384) AS c, SHA2(t, 512) AS d FROM strings WHERE id < 6;
