-- feature: GROUP BY aggregates
-- about: every aggregate over the larger input
-- oracle: flink 2.3.0

CREATE TABLE orders (
  id INT,
  ts TIMESTAMP(3),
  customer STRING,
  product STRING,
  quantity INT,
  price DECIMAL(8, 2),
  country STRING,
  WATERMARK FOR ts AS ts - INTERVAL '20' SECOND
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/orders.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT customer, COUNT(*) AS n, SUM(quantity) AS q, AVG(quantity) AS a, MIN(price) AS lo, MAX(price) AS hi, SUM(price) AS total, COUNT(DISTINCT product) AS products FROM orders GROUP BY customer;
