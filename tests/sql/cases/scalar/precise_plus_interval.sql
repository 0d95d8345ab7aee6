-- feature: date and time arithmetic
-- about: arithmetic keeps the digits of TIMESTAMP(9) and TIMESTAMP_LTZ
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
SELECT id, ts9 + INTERVAL '1' SECOND AS a, ts6 - INTERVAL '1' DAY AS b, l + INTERVAL '1' HOUR AS c, ts0 + INTERVAL '1' MINUTE AS d FROM times;
