-- feature: current time
-- about: wall clocks are those of the zone of the session
-- oracle: flink 2.3.0
-- marks: processing-time
SET 'table.local-time-zone' = 'Asia/Kolkata';
CREATE TABLE scores (
  k STRING,
  v INT
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/scores.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT k, TIMESTAMPDIFF(MINUTE, CAST(CONVERT_TZ(DATE_FORMAT(LOCALTIMESTAMP, 'yyyy-MM-dd HH:mm:ss'), 'Asia/Kolkata', 'UTC') AS TIMESTAMP(3)), LOCALTIMESTAMP) BETWEEN 329 AND 330 AS a,
  CAST(CURRENT_TIMESTAMP AS DATE) = CURRENT_DATE OR CURRENT_TIME < TIME '00:01:00' AS b
FROM scores WHERE v = 5;
