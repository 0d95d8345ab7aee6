-- feature: three-level aggregates
-- about: MAX of SUM of MIN
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
SELECT MAX(s) AS hi, MIN(s) AS lo FROM (SELECT country, SUM(cheapest) AS s FROM (SELECT country, product, MIN(price) AS cheapest FROM orders GROUP BY country, product) GROUP BY country);
