-- feature: casts to strings
-- about: dates, times and timestamps as text
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
SELECT id, CAST(d AS STRING) AS a, CAST(t AS STRING) AS b, CAST(ts0 AS STRING) AS c, CAST(ts3 AS STRING) AS e, CAST(ts6 AS STRING) AS f, CAST(ts9 AS STRING) AS g, CAST(l AS STRING) AS h FROM times;
