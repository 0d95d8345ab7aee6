-- feature: hashes and encodings
-- about: MD5, SHA1, SHA224, SHA256, SHA384, SHA512, SHA2
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
SELECT id, MD5(s) AS a, SHA1(s) AS b, SHA224(s) AS c, SHA256(s) AS d, SHA2(s, 256) AS e FROM strings;
