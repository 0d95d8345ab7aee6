-- feature: views
-- about: one view in two branches
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
CREATE VIEW paid AS SELECT who, amount FROM payments WHERE status = 'paid';
SELECT 'big' AS what, who, amount FROM paid WHERE amount > 50 UNION ALL SELECT 'small', who, amount FROM paid WHERE amount <= 50;
