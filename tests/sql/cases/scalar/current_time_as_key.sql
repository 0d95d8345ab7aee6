-- feature: current time
-- about: the clock in keys, in FILTER and under DISTINCT, below an aggregate
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
SELECT CURRENT_DATE > DATE '2020-01-01' AS late, COUNT(*) FILTER (WHERE `day` < CURRENT_DATE) AS past, COUNT(DISTINCT UNIX_TIMESTAMP() > 0) AS n
FROM payments GROUP BY CURRENT_DATE > DATE '2020-01-01';
