-- feature: DATE and TIME
-- about: TIME values read, compared, aggregated
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
SELECT MIN(t) AS lo, MAX(t) AS hi, COUNT(DISTINCT t) AS n, MIN(d) AS first_day, MAX(d) AS last_day FROM times;
