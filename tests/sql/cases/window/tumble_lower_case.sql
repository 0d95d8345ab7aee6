-- feature: TUMBLE spellings
-- about: lower case and an alias
-- oracle: flink 2.3.0

CREATE TABLE clicks (
  ts TIMESTAMP(3),
  k STRING,
  v INT,
  m DECIMAL(6, 2),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/clicks.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
select w.window_start, w.k, max(w.v) as hi from table(tumble(table clicks, descriptor(ts), interval '1' minute)) as w group by w.window_start, w.window_end, w.k;
