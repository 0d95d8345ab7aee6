-- feature: views
-- about: views over views, with named columns
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
CREATE TEMPORARY VIEW paid (number, person, cents) AS SELECT id, who, CAST(amount * 100 AS INT) FROM payments WHERE status = 'paid';
CREATE VIEW rich AS SELECT person, cents FROM paid WHERE cents > 1000;
SELECT person, COUNT(*) AS n, SUM(cents) AS total FROM rich GROUP BY person;
