-- feature: cascading windows
-- about: three levels over the larger input
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
CREATE VIEW minute_ones AS SELECT window_time AS rt, country, SUM(quantity) AS q FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end, window_time, country;
CREATE VIEW five_minutes AS SELECT window_time AS rt, country, SUM(q) AS q, MAX(q) AS hi FROM TABLE(TUMBLE(TABLE minute_ones, DESCRIPTOR(rt), INTERVAL '5' MINUTE)) GROUP BY window_start, window_end, window_time, country;
SELECT window_start, window_end, COUNT(*) AS n, SUM(q) AS q, MAX(hi) AS hi FROM TABLE(TUMBLE(TABLE five_minutes, DESCRIPTOR(rt), INTERVAL '15' MINUTE)) GROUP BY window_start, window_end;
