-- feature: date and time arithmetic
-- about: a date plus days, months and years; the end of a month stays one
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
SELECT id, d + INTERVAL '1' DAY AS a, d - INTERVAL '1' DAY AS b, d + INTERVAL '1' MONTH AS c, d + INTERVAL '1' YEAR AS e, d - INTERVAL '3' MONTH AS f,
  DATE '2024-01-31' + INTERVAL '1' MONTH AS g
FROM times;
