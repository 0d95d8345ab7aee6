-- feature: date and time rounding
-- about: CEIL of a timestamp to each unit
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
SELECT id, CEIL(ts3 TO YEAR) AS a, CEIL(ts3 TO MONTH) AS c, CEIL(ts3 TO DAY) AS e, CEIL(ts3 TO HOUR) AS f, CEIL(ts3 TO MINUTE) AS g, CEIL(ts3 TO SECOND) AS h FROM times;
