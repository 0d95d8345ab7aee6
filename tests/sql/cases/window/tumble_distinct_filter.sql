-- feature: window DISTINCT
-- about: DISTINCT with FILTER, and per key
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
SELECT window_start, country, COUNT(DISTINCT customer) AS customers, COUNT(DISTINCT customer) FILTER (WHERE quantity > 5) AS big_ones, COUNT(DISTINCT product) AS products
FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '15' MINUTE)) GROUP BY window_start, window_end, country;
