-- feature: date and time parts
-- about: YEAR, QUARTER, MONTH, WEEK, DAYOFYEAR, DAYOFMONTH, DAYOFWEEK, HOUR, MINUTE, SECOND
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
SELECT id, YEAR(d) AS a, QUARTER(d) AS b, MONTH(d) AS c, WEEK(d) AS e, DAYOFYEAR(d) AS f, DAYOFMONTH(d) AS g, DAYOFWEEK(d) AS h,
  HOUR(ts3) AS i, MINUTE(ts3) AS j, SECOND(ts3) AS k
FROM times;
