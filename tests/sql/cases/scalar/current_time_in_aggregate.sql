-- feature: current time
-- about: a count of rows before now
-- oracle: flink 2.3.0
-- marks: processing-time

CREATE TABLE payments (
  id INT,
  who STRING,
  shop STRING,
  amount DECIMAL(10, 2),
  status STRING,
  `day` DATE
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/payments.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT COUNT(*) AS n FROM payments WHERE `day` < CURRENT_DATE;
