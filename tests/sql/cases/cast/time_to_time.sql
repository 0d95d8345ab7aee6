-- feature: casts between times
-- about: between DATE, TIME and TIMESTAMP
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
SELECT id, CAST(ts3 AS DATE) AS a, CAST(ts3 AS TIME) AS b, CAST(d AS TIMESTAMP(3)) AS c, CAST(ts9 AS DATE) AS e, CAST(l AS DATE) AS f, CAST(l AS TIME) AS g FROM times;
