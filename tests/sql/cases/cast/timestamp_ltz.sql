-- feature: casts between times
-- about: TIMESTAMP to TIMESTAMP_LTZ and back in UTC
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
SELECT id, CAST(ts3 AS TIMESTAMP_LTZ(3)) AS a, CAST(l AS TIMESTAMP(3)) AS b, CAST(ts9 AS TIMESTAMP_LTZ(9)) AS c, CAST(l AS TIMESTAMP_LTZ(0)) AS d, CAST(d AS TIMESTAMP_LTZ(3)) AS e FROM times;
