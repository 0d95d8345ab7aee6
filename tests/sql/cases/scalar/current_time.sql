-- feature: current time
-- about: the clock is read and of the right type
-- oracle: flink 2.3.0
-- marks: processing-time

-- the values themselves cannot be recorded
CREATE TABLE scores (
  k STRING,
  v INT
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/scores.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT k, CURRENT_TIMESTAMP > TO_TIMESTAMP_LTZ(1577836800, 0) AS a, LOCALTIMESTAMP > TIMESTAMP '2020-01-01 00:00:00' AS b, CURRENT_DATE > DATE '2020-01-01' AS c,
  NOW() > TO_TIMESTAMP_LTZ(1577836800, 0) AS d, UNIX_TIMESTAMP() > 1577836800 AS e, PROCTIME() IS NOT NULL AS f, CURRENT_TIME IS NOT NULL AS g
FROM scores WHERE v = 5;
