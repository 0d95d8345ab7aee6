-- feature: SET
-- about: the session's time zone in FROM_UNIXTIME and UNIX_TIMESTAMP
-- oracle: flink 2.3.0

SET 'table.local-time-zone' = 'Europe/Berlin';
CREATE TABLE epoch (s BIGINT, `text` STRING) WITH ('connector' = 'filesystem', 'path' = '${DATA}/epoch.json', 'format' = 'json');
SELECT s, FROM_UNIXTIME(s) AS a, UNIX_TIMESTAMP(`text`) AS b, TO_TIMESTAMP(`text`) AS c FROM epoch;
