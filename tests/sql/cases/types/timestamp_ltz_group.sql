-- feature: TIMESTAMP_LTZ
-- about: grouped by the day in UTC
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
SELECT CAST(l AS DATE) AS on_day, COUNT(*) AS n, MAX(l) AS latest FROM times GROUP BY CAST(l AS DATE);
