-- feature: TIMESTAMP precisions
-- about: grouping by a timestamp
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
SELECT ts6, COUNT(*) AS n FROM (SELECT ts6 FROM times UNION ALL SELECT CAST(ts3 AS TIMESTAMP(6)) FROM times) GROUP BY ts6;
