-- feature: conditionals
-- about: IS_ALPHA, IS_DECIMAL, IS_DIGIT
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
SELECT id, IS_ALPHA(s) AS a, IS_DECIMAL(CAST(n AS STRING)) AS b, IS_DIGIT(CAST(n AS STRING)) AS c, IS_DECIMAL('1.5') AS d FROM strings;
