-- feature: date and time parts
-- about: EXTRACT from DATE and TIME
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
SELECT id, EXTRACT(YEAR FROM d) AS a, EXTRACT(MONTH FROM d) AS b, EXTRACT(DAY FROM d) AS c, EXTRACT(DOY FROM d) AS e, EXTRACT(WEEK FROM d) AS f,
  EXTRACT(HOUR FROM t) AS g, EXTRACT(MINUTE FROM t) AS h, EXTRACT(SECOND FROM t) AS i, EXTRACT(ISODOW FROM d) AS j, EXTRACT(ISOYEAR FROM d) AS k
FROM times;
