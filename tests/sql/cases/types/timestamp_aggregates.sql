-- feature: TIMESTAMP precisions
-- about: MIN, MAX and COUNT DISTINCT of every precision
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
SELECT MIN(ts0) AS a, MAX(ts3) AS b, MIN(ts6) AS c, MAX(ts9) AS d, COUNT(DISTINCT ts9) AS n, MIN(l) AS e, MAX(l) AS f FROM times;
