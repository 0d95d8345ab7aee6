-- feature: TIMESTAMP_LTZ
-- about: read, compared and calculated with
-- oracle: flink 2.3.0

CREATE TABLE times (
  id INT,
  d DATE,
  t TIME,
  ts0 TIMESTAMP(0),
  ts3 TIMESTAMP(3),
  ts6 TIMESTAMP(6),
  ts9 TIMESTAMP(9),
  l TIMESTAMP_LTZ(3)
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/times.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT id, l, l < TO_TIMESTAMP_LTZ(1704067200000, 3) AS early, l + INTERVAL '1' DAY AS next_day FROM times;
