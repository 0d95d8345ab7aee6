-- feature: malformed records
-- about: an aggregate over what is left of a bad JSON file
-- oracle: flink 2.3.0

CREATE TABLE bad (id INT, n BIGINT) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/bad.json',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true'
);
SELECT n IS NULL AS no_n, COUNT(*) AS c, SUM(n) AS s FROM bad GROUP BY n IS NULL;
