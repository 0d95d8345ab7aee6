-- feature: hashes and encodings
-- about: TO_BASE64 and back
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
SELECT id, TO_BASE64(s) AS a, FROM_BASE64(TO_BASE64(s)) AS b FROM strings;
