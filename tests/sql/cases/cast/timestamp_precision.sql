-- feature: casts between times
-- about: precision is cut, not rounded
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
SELECT id, CAST(ts9 AS TIMESTAMP(6)) AS a, CAST(ts9 AS TIMESTAMP(3)) AS b, CAST(ts9 AS TIMESTAMP(0)) AS c, CAST(ts3 AS TIMESTAMP(9)) AS d, CAST(ts6 AS TIMESTAMP(1)) AS e, CAST(ts9 AS TIMESTAMP(7)) AS f FROM times;
