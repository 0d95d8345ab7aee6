-- feature: date and time parts
-- about: EXTRACT from TIMESTAMP(0), TIMESTAMP(9) and TIMESTAMP_LTZ
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
SELECT id, EXTRACT(SECOND FROM ts9) AS a, EXTRACT(YEAR FROM ts0) AS b, EXTRACT(HOUR FROM l) AS c, EXTRACT(DAY FROM l) AS e, YEAR(ts6) AS f FROM times;
