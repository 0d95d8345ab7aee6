-- feature: date and time text
-- about: DATE_FORMAT with Java's letters
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
SELECT id, DATE_FORMAT(ts3, 'yyyy-MM-dd HH:mm:ss') AS a, DATE_FORMAT(ts3, 'yyyyMMdd') AS b, DATE_FORMAT(ts3, 'yy/M/d H:m:s') AS c,
  DATE_FORMAT(ts3, 'HH:mm:ss.SSS') AS d, DATE_FORMAT(ts3, 'EEE dd MMM yyyy') AS e, DATE_FORMAT(ts3, 'hh:mm a') AS f, DATE_FORMAT(ts3, 'DDD') AS g,
  DATE_FORMAT(ts3, 'yyyy-MM-dd''T''HH:mm') AS h
FROM times;
