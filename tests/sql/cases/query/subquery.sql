-- feature: subqueries in FROM
-- about: nested selects
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
SELECT person, big FROM (SELECT who AS person, amount > 20 AS big, id FROM (SELECT * FROM payments WHERE status = 'paid') AS inner_one) AS outer_one WHERE id > 2;
