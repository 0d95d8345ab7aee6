-- feature: rows
-- about: a time attribute computed from fields, and windows over fields
-- oracle: flink 2.3.0

CREATE TABLE nested (
  id INT,
  kind INT,
  bid ROW<price BIGINT, who ROW<name STRING, seen TIMESTAMP(3)>, url STRING>,
  person ROW<name STRING, seen TIMESTAMP(3)>,
  ts AS COALESCE(CASE WHEN kind = 0 THEN person.seen ELSE bid.who.seen END, TIMESTAMP '2024-01-01 10:00:00'),
  WATERMARK FOR ts AS ts - INTERVAL '4' SECOND
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/nested.json',
  'format' = 'json'
);
SELECT window_start, COUNT(*) AS n, SUM(bid.price) AS s, MIN(person.name) AS name
FROM TABLE(TUMBLE(TABLE nested, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
