-- feature: sessions
-- about: distinct values of sessions that merge
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
SELECT country, window_start, window_end, COUNT(DISTINCT product) AS products, COUNT(*) AS n
FROM TABLE(SESSION(TABLE orders PARTITION BY country, DESCRIPTOR(ts), INTERVAL '4' SECOND))
GROUP BY country, window_start, window_end;
