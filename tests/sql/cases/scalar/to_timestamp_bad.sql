-- feature: date and time text
-- about: TO_TIMESTAMP of what is no timestamp is NULL
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
SELECT id, TO_TIMESTAMP(s) AS a, TO_TIMESTAMP('2024-13-45 00:00:00') AS b, TO_TIMESTAMP('2024-01-01 25:00:00') AS c, TO_TIMESTAMP('') AS d FROM strings;
