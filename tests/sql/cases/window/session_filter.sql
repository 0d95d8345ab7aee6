-- feature: sessions
-- about: a filter on the key behind the window, another below it
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
CREATE VIEW sold AS SELECT ts, customer, quantity FROM orders WHERE quantity > 2;
SELECT customer, window_end, SUM(quantity) AS q
FROM TABLE(SESSION(TABLE sold PARTITION BY customer, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
WHERE customer <> 'c3' GROUP BY customer, window_start, window_end;
