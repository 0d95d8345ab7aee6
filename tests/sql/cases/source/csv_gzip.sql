-- feature: CSV source
-- about: a gzip file
-- oracle: flink 2.3.0

CREATE TABLE payments (id INT, who STRING, shop STRING, amount DECIMAL(10, 2), status STRING, `day` DATE) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/payments.csv.gz',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT shop, COUNT(*) AS n, SUM(amount) AS s FROM payments GROUP BY shop;
