-- feature: STRING
-- about: grouping by unicode text and by the empty one
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
SELECT SUBSTRING(s, 1, 1) AS first_one, COUNT(*) AS n FROM strings GROUP BY SUBSTRING(s, 1, 1);
