-- feature: sessions
-- about: the table function without a key
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
SELECT window_start, window_end, COUNT(*) AS n, COUNT(DISTINCT customer) AS customers
FROM TABLE(SESSION(TABLE orders, DESCRIPTOR(ts), INTERVAL '2' SECOND)) GROUP BY window_start, window_end;
