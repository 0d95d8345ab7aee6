-- feature: date and time text
-- about: TO_TIMESTAMP of the usual text, with and without a format
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
SELECT id, TO_TIMESTAMP(CAST(ts3 AS STRING)) AS a, TO_TIMESTAMP(DATE_FORMAT(ts3, 'dd.MM.yyyy HH:mm:ss'), 'dd.MM.yyyy HH:mm:ss') AS b,
  TO_TIMESTAMP('2024-01-01 10:00:00.123456') AS c, TO_TIMESTAMP('2024-01-01') AS d, TO_TIMESTAMP('20240229 10', 'yyyyMMdd HH') AS e
FROM times;
