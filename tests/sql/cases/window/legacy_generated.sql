-- feature: legacy group windows
-- about: over the larger input
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
SELECT TUMBLE_START(ts, INTERVAL '10' MINUTE) AS ws, country, SUM(quantity * price) AS total FROM orders WHERE quantity > 0 GROUP BY TUMBLE(ts, INTERVAL '10' MINUTE), country;
