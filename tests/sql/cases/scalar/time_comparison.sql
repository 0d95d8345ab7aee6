-- feature: comparison
-- about: dates, times and timestamps of different precision compare by value
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
SELECT id, d > DATE '2020-01-01' AS a, t < TIME '12:00:00' AS b, ts3 = ts6 AS c, ts0 < ts9 AS d, ts3 >= TIMESTAMP '2024-01-15 10:30:45.123' AS e,
  ts6 BETWEEN TIMESTAMP '2000-01-01 00:00:00' AND TIMESTAMP '2023-12-31 23:59:59.999' AS f
FROM times;
