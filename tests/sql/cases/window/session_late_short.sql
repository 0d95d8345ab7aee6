-- feature: late rows
-- about: sessions of countries that hardly outlive their rows
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
SELECT country, window_start, window_end, COUNT(*) AS n, MIN(id) AS first_id
FROM TABLE(SESSION(TABLE orders PARTITION BY country, DESCRIPTOR(ts), INTERVAL '1.5' SECOND))
GROUP BY country, window_start, window_end;
