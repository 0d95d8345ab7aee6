-- feature: current time
-- about: computed columns that read the clock
-- oracle: flink 2.3.0
-- marks: processing-time
CREATE TABLE scores (
  k STRING,
  v INT,
  seen AS PROCTIME(),
  `day` AS CURRENT_DATE,
  age AS TIMESTAMPDIFF(YEAR, TIMESTAMP '1900-01-01 00:00:00', LOCALTIMESTAMP) > 120
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/scores.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT k, age, seen > TO_TIMESTAMP_LTZ(1577836800, 0) AS b, COUNT(*) AS n, MIN(v) AS m FROM scores
WHERE `day` > DATE '2020-01-01' GROUP BY k, age, seen > TO_TIMESTAMP_LTZ(1577836800, 0);
