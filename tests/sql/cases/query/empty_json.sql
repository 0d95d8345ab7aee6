-- feature: empty inputs
-- about: an empty JSON file in a union with counts
-- oracle: flink 2.3.0

CREATE TABLE nothing (id INT, name STRING) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/empty.json',
  'format' = 'json'
);
CREATE TABLE scores (
  k STRING,
  v INT
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/scores.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT k, COUNT(*) AS n FROM (SELECT name AS k FROM nothing UNION ALL SELECT k FROM scores) GROUP BY k;
