-- feature: hashes and encodings
-- about: URL_ENCODE, URL_DECODE and PARSE_URL
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
SELECT id, URL_ENCODE(s) AS a, URL_DECODE(URL_ENCODE(s)) AS b,
  PARSE_URL('http://user@example.com:8080/a/b?x=1&y=two#frag', 'HOST') AS c,
  PARSE_URL('http://user@example.com:8080/a/b?x=1&y=two#frag', 'QUERY', 'y') AS d,
  PARSE_URL('http://user@example.com:8080/a/b?x=1&y=two#frag', 'PATH') AS e
FROM strings;
