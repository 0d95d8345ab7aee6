-- feature: date and time arithmetic
-- about: a timestamp plus and minus intervals
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
SELECT id, ts3 + INTERVAL '1' SECOND AS a, ts3 - INTERVAL '1' MINUTE AS b, ts3 + INTERVAL '36' HOUR AS c, ts3 + INTERVAL '1' DAY AS d,
  ts3 + INTERVAL '1' MONTH AS e, ts3 - INTERVAL '1' YEAR AS f, ts3 + INTERVAL '1 02:03:04.005' DAY TO SECOND AS g, ts3 + INTERVAL '1-2' YEAR TO MONTH AS h,
  ts3 + INTERVAL '0.250' SECOND AS i, ts3 + INTERVAL '10:30' MINUTE TO SECOND AS j
FROM times;
