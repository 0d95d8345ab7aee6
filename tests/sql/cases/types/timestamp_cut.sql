-- feature: TIMESTAMP precisions
-- about: more digits in the file than in the type
-- oracle: flink 2.3.0

CREATE TABLE times (id INT, d DATE, t TIME, ts0 TIMESTAMP(0), ts3 TIMESTAMP(2), ts6 TIMESTAMP(4), ts9 TIMESTAMP(7), l TIMESTAMP_LTZ(0)) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/times.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT id, ts3, ts6, ts9, l FROM times;
