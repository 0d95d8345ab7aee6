-- feature: current time
-- about: what the clock gives is of the right form, and one reading agrees with another
-- oracle: flink 2.3.0
-- marks: processing-time
CREATE TABLE scores (
  k STRING,
  v INT
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/scores.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT k, CHAR_LENGTH(CAST(CURRENT_TIMESTAMP AS STRING)) AS a, CHAR_LENGTH(CAST(LOCALTIMESTAMP AS STRING)) AS b, CHAR_LENGTH(CAST(CURRENT_TIME AS STRING)) AS c,
  CHAR_LENGTH(DATE_FORMAT(NOW(), 'yyyy-MM-dd')) AS d, NOW() + INTERVAL '1' DAY > CURRENT_ROW_TIMESTAMP() AS e, EXTRACT(YEAR FROM CURRENT_DATE) BETWEEN 2025 AND 2100 AS f,
  TIMESTAMPDIFF(MINUTE, CURRENT_TIMESTAMP, NOW()) AS g, LOCALTIME BETWEEN TIME '00:00:00' AND TIME '23:59:59' AS h, UNIX_TIMESTAMP() - UNIX_TIMESTAMP() < 2 AS i
FROM scores WHERE v > 5;
