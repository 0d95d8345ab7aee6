-- feature: TIMESTAMP precisions
-- about: TIMESTAMP(0), (3), (6) and (9) as read from CSV
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
SELECT id, ts0, ts3, ts6, ts9 FROM times;
