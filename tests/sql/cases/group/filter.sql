-- feature: GROUP BY FILTER
-- about: FILTER on each kind of aggregate
-- oracle: flink 2.3.0

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
SELECT shop, COUNT(*) FILTER (WHERE status = 'paid') AS paid, SUM(amount) FILTER (WHERE amount > 10) AS big, MIN(who) FILTER (WHERE who <> 'alice') AS w, AVG(amount) FILTER (WHERE FALSE) AS never FROM payments GROUP BY shop;
