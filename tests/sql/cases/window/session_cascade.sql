-- feature: sessions
-- about: tumbling windows over the event time of sessions
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
CREATE VIEW visits AS
SELECT window_time AS ended, customer, COUNT(*) AS n
FROM TABLE(SESSION(TABLE orders PARTITION BY customer, DESCRIPTOR(ts), INTERVAL '30' SECOND))
GROUP BY customer, window_start, window_end, window_time;
SELECT window_start, window_end, COUNT(*) AS visits, MAX(n) AS longest
FROM TABLE(TUMBLE(TABLE visits, DESCRIPTOR(ended), INTERVAL '2' MINUTE)) GROUP BY window_start, window_end;
