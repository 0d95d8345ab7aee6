-- feature: TIMESTAMP precisions
-- about: before 1970, year 1 and year 9999
-- oracle: flink 2.3.0

CREATE TABLE ancient (
  id INT,
  d DATE,
  ts3 TIMESTAMP(3),
  ts9 TIMESTAMP(9)
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/ancient.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT id, d, ts3, ts9 FROM ancient;
