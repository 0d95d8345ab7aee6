-- feature: casts from strings
-- about: text to DATE, TIME and TIMESTAMP of several precisions
-- oracle: flink 2.3.0

CREATE TABLE times (
  id INT,
  d DATE,
  t TIME,
  ts0 TIMESTAMP(0),
  ts3 TIMESTAMP(3),
  ts6 TIMESTAMP(6),
  ts9 TIMESTAMP(9),
  l TIMESTAMP_LTZ(3)
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/times.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT id, CAST(CAST(d AS STRING) AS DATE) AS a, CAST(CAST(t AS STRING) AS TIME) AS b, CAST(CAST(ts9 AS STRING) AS TIMESTAMP(3)) AS c, CAST(CAST(ts9 AS STRING) AS TIMESTAMP(9)) AS e,
  CAST('2024-1-5' AS DATE) AS f, CAST('2024-01-05 10:20:59' AS TIMESTAMP(0)) AS g, CAST('2024-01-05 10:20:30.5' AS TIMESTAMP(3)) AS h, CAST('2024-01-05' AS TIMESTAMP(3)) AS i, CAST('10:20' AS TIME) AS j
FROM times;
