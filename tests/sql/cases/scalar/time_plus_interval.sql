-- feature: date and time arithmetic
-- about: a time of day plus an interval stays within the day
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
SELECT id, t + INTERVAL '1' HOUR AS a, t - INTERVAL '30' MINUTE AS b, t + INTERVAL '1' SECOND AS c FROM times;
