-- feature: date and time arithmetic
-- about: a time of day moved beyond midnight, by days and by months
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
SELECT id, INTERVAL '25:30' HOUR TO MINUTE + t AS a, t - INTERVAL '1' DAY AS b, t + INTERVAL '1' MONTH AS c, t - INTERVAL '23:59:59' HOUR TO SECOND AS d,
  t + INTERVAL '0.5' SECOND AS e, TIME '23:59:59' + INTERVAL '2' SECOND AS f
FROM times;
