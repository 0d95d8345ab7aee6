-- feature: malformed records
-- about: an aggregate over what is left of a bad CSV file
-- oracle: flink 2.3.0

CREATE TABLE bad (id INT, n INT, x DOUBLE, ts TIMESTAMP(0), ok BOOLEAN) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/bad.csv',
  'format' = 'csv',
  'csv.ignore-parse-errors' = 'true'
);
SELECT ok, COUNT(*) AS n, SUM(n) AS s FROM bad GROUP BY ok;
