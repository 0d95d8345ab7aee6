-- feature: date and time arithmetic
-- about: TIMESTAMPADD with every unit, also negative
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
SELECT id, TIMESTAMPADD(SECOND, 90, ts3) AS a, TIMESTAMPADD(MINUTE, -90, ts3) AS b, TIMESTAMPADD(HOUR, id, ts3) AS c, TIMESTAMPADD(DAY, 30, ts3) AS d,
  TIMESTAMPADD(WEEK, 1, d) AS e, TIMESTAMPADD(MONTH, -1, d) AS f, TIMESTAMPADD(QUARTER, 1, d) AS g, TIMESTAMPADD(YEAR, 1, d) AS h
FROM times;
