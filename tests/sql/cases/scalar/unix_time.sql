-- feature: date and time text
-- about: FROM_UNIXTIME and UNIX_TIMESTAMP
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
SELECT id, UNIX_TIMESTAMP(CAST(ts0 AS STRING)) AS a, FROM_UNIXTIME(id * 1000000) AS b, FROM_UNIXTIME(id * 86400, 'yyyy-MM-dd') AS c,
  UNIX_TIMESTAMP(DATE_FORMAT(ts3, 'yyyyMMdd'), 'yyyyMMdd') AS d
FROM times;
