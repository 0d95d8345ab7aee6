-- feature: string functions
-- about: OVERLAY with and without a length
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
SELECT id, OVERLAY(s PLACING 'XY' FROM 2) AS a, OVERLAY(s PLACING 'XY' FROM 2 FOR 4) AS b, OVERLAY(s PLACING t FROM 1 FOR 1) AS c FROM strings WHERE id <> 10;
