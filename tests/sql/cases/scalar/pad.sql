-- feature: string functions
-- about: LPAD and RPAD fill, cut and refuse negative lengths
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
SELECT id, LPAD(s, 15, '*') AS a, RPAD(s, 15, 'xy') AS b, LPAD(s, 3, '*') AS c, RPAD(s, 4, '*') AS d, LPAD(s, n, '-') AS e FROM strings;
