-- feature: STRING
-- about: MIN and MAX of text go by bytes
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
SELECT MIN(s) AS lo, MAX(s) AS hi, MIN(t) AS lo_t, MAX(t) AS hi_t FROM strings;
