-- feature: HOP spellings
-- about: a wide window over a fine slide
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
SELECT window_start, window_end, COUNT(*) AS n, SUM(price) AS total, MAX(quantity) AS hi FROM TABLE(HOP(TABLE orders, DESCRIPTOR(ts), INTERVAL '1' MINUTE, INTERVAL '30' MINUTE)) GROUP BY window_start, window_end;
