-- feature: window FILTER
-- about: FILTER over the larger input
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
SELECT window_start, COUNT(*) AS n, SUM(price) FILTER (WHERE country = 'DE') AS de, AVG(quantity) FILTER (WHERE product = 'apple') AS apples, COUNT(*) FILTER (WHERE customer IS NULL) AS unknown_ones
FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '10' MINUTE)) GROUP BY window_start, window_end;
