-- feature: SET
-- about: the session's time zone in casts of TIMESTAMP_LTZ
-- oracle: flink 2.3.0

SET 'table.local-time-zone' = 'Asia/Tokyo';
CREATE TABLE epoch (ms BIGINT, k STRING, l AS TO_TIMESTAMP_LTZ(ms, 3)) WITH ('connector' = 'filesystem', 'path' = '${DATA}/epoch.json', 'format' = 'json');
SELECT k, l, CAST(l AS STRING) AS s, CAST(l AS TIMESTAMP(3)) AS t, CAST(l AS DATE) AS d, EXTRACT(HOUR FROM l) AS h, DATE_FORMAT(l, 'HH:mm') AS f,
  CAST(TIMESTAMP '2024-01-01 09:00:00' AS TIMESTAMP_LTZ(3)) AS midnight
FROM epoch;
