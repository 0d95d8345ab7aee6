-- feature: date and time parts
-- about: EXTRACT of every part of a timestamp
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
SELECT id, EXTRACT(YEAR FROM ts3) AS a, EXTRACT(QUARTER FROM ts3) AS b, EXTRACT(MONTH FROM ts3) AS c, EXTRACT(WEEK FROM ts3) AS d,
  EXTRACT(DAY FROM ts3) AS e, EXTRACT(DOY FROM ts3) AS f, EXTRACT(DOW FROM ts3) AS g, EXTRACT(HOUR FROM ts3) AS h,
  EXTRACT(MINUTE FROM ts3) AS i, EXTRACT(SECOND FROM ts3) AS j, EXTRACT(MILLISECOND FROM ts3) AS k
FROM times;
