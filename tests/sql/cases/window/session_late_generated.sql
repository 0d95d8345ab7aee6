-- feature: late rows
-- about: sessions by customer with a strict watermark
-- oracle: flink 2.3.0
-- marks: order-dependent

CREATE TABLE orders (
  id INT,
  ts TIMESTAMP(3),
  customer STRING,
  product STRING,
  quantity INT,
  price DECIMAL(8, 2),
  country STRING,
  WATERMARK FOR ts AS ts - INTERVAL '1' SECOND
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/orders.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT customer, window_start, window_end, COUNT(*) AS n, SUM(quantity) AS q, COUNT(DISTINCT country) AS c
FROM TABLE(SESSION(TABLE orders PARTITION BY customer, DESCRIPTOR(ts), INTERVAL '10' SECOND))
GROUP BY customer, window_start, window_end;
