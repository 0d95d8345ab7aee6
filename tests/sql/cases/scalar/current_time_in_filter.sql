-- feature: current time
-- about: the clock in a condition
-- oracle: flink 2.3.0
-- marks: processing-time

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
SELECT id FROM times WHERE l < CURRENT_TIMESTAMP AND d < CURRENT_DATE;
