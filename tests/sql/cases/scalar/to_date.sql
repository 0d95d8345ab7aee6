-- feature: date and time text
-- about: TO_DATE with and without a format
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
SELECT id, TO_DATE(CAST(d AS STRING)) AS a, TO_DATE(DATE_FORMAT(ts3, 'dd/MM/yyyy'), 'dd/MM/yyyy') AS b, TO_DATE('2024-02-29') AS c FROM times;
