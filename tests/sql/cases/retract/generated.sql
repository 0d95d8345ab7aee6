-- feature: two-level aggregates
-- about: every aggregate over an updating input, larger
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
SELECT country, COUNT(*) AS n, SUM(q) AS s, AVG(q) AS a, MIN(q) AS lo, MAX(q) AS hi, COUNT(DISTINCT q) AS d, MAX(best) AS best
FROM (SELECT country, customer, SUM(quantity) AS q, MAX(price) AS best FROM orders GROUP BY country, customer) GROUP BY country;
