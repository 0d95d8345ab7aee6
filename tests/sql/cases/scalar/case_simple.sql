-- feature: conditionals
-- about: simple CASE; NULL matches nothing
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
SELECT id, CASE t WHEN 'o' THEN 1 WHEN '-' THEN 2 WHEN CAST(NULL AS STRING) THEN 3 ELSE 4 END AS a, CASE id WHEN 1 THEN s WHEN 2 THEN t END AS b FROM strings;
