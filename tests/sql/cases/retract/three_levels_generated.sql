-- feature: three-level aggregates
-- about: counts of counts of counts over the larger input
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
SELECT c, COUNT(*) AS d FROM (SELECT n, COUNT(*) AS c FROM (SELECT customer, product, COUNT(*) AS n FROM orders GROUP BY customer, product) GROUP BY n) GROUP BY c;
