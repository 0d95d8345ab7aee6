-- feature: string functions
-- about: SPLIT_INDEX by a delimiter, from 0
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
SELECT id, SPLIT_INDEX(s, ' ', 0) AS a, SPLIT_INDEX(s, '-', 2) AS b, SPLIT_INDEX(s, ' ', 1) AS c, SPLIT_INDEX(s, '-', 9) AS d FROM strings;
