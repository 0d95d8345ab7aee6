-- feature: date and time arithmetic
-- about: TIMESTAMPDIFF counts whole units toward zero
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
SELECT id, TIMESTAMPDIFF(SECOND, TIMESTAMP '2024-01-15 10:30:45', ts3) AS a, TIMESTAMPDIFF(MINUTE, TIMESTAMP '2024-01-15 10:30:45', ts3) AS b,
  TIMESTAMPDIFF(HOUR, ts3, TIMESTAMP '2024-01-15 10:30:45') AS c, TIMESTAMPDIFF(DAY, DATE '2024-01-31', d) AS d, TIMESTAMPDIFF(MONTH, DATE '2024-01-31', d) AS e,
  TIMESTAMPDIFF(YEAR, d, TIMESTAMP '2024-01-15 00:00:00') AS f
FROM times;
