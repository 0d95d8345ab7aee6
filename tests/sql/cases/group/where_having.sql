-- feature: GROUP BY HAVING
-- about: WHERE before, HAVING after
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
SELECT customer, product, COUNT(*) AS n, SUM(quantity) AS q FROM orders WHERE country = 'DE' AND quantity > 0 GROUP BY customer, product HAVING SUM(quantity) >= 30;
