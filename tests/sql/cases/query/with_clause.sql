-- feature: subqueries in FROM
-- about: common table expressions
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
WITH paid AS (SELECT * FROM payments WHERE status = 'paid'), per_person AS (SELECT who, SUM(amount) AS total FROM paid GROUP BY who)
SELECT who, total FROM per_person WHERE total > 20;
