-- feature: hashes and encodings
-- about: PARSE_URL, every part, and what is no URL
-- oracle: flink 2.3.0
CREATE TABLE urls (
  id INT,
  u STRING,
  part STRING
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/urls.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT id, PARSE_URL(u, part) AS a, PARSE_URL(u, 'HOST') AS b, PARSE_URL(u, 'PATH') AS c, PARSE_URL(u, 'QUERY', 'a') AS d, PARSE_URL(u, 'REF') AS e FROM urls;
