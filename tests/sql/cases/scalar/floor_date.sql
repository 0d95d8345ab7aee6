-- feature: date and time rounding
-- about: FLOOR and CEIL of DATE and TIME
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
SELECT id, FLOOR(d TO YEAR) AS a, FLOOR(d TO MONTH) AS b, CEIL(d TO MONTH) AS c, CEIL(d TO YEAR) AS e, FLOOR(t TO HOUR) AS f, FLOOR(t TO MINUTE) AS g FROM times;
