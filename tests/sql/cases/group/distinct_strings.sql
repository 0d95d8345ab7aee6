-- feature: GROUP BY DISTINCT
-- about: of text, also unicode and empty
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
SELECT n > 1 AS many, COUNT(DISTINCT s) AS c, COUNT(DISTINCT t) AS d FROM strings GROUP BY n > 1;
