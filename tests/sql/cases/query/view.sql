-- feature: views
-- about: a view with a filter and an expression
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
CREATE VIEW paid AS SELECT id, who, amount * 2 AS twice FROM payments WHERE status = 'paid';
SELECT who, twice FROM paid WHERE twice > 20;
