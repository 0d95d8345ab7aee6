-- feature: conditionals
-- about: COALESCE, NULLIF, IFNULL
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
SELECT id, COALESCE(s, t, 'none') AS a, COALESCE(n, -99) AS b, NULLIF(n, 2) AS c, NULLIF(s, 'abc') AS d, IFNULL(s, 'was null') AS e, IFNULL(n, 0) AS f FROM strings;
