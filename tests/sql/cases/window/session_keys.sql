-- feature: sessions
-- about: two keys, named arguments and the event time
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
SELECT window_time, country, product, AVG(price) AS p
FROM TABLE(SESSION(DATA => TABLE orders PARTITION BY (country, product), TIMECOL => DESCRIPTOR(ts), GAP => INTERVAL '1' MINUTE))
GROUP BY window_start, window_end, window_time, country, product;
