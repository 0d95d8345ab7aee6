-- feature: projection
-- about: expressions, aliases and constants
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
SELECT id * 2 AS doubled, UPPER(who) || '!' AS loud, 'const' AS c, amount - 1 AS less, 7 AS seven FROM payments;
