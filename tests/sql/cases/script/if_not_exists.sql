-- feature: scripts
-- about: IF NOT EXISTS, a view dropped and made again
-- oracle: flink 2.3.0

CREATE TABLE IF NOT EXISTS scores (k STRING, v INT) WITH ('connector' = 'filesystem', 'path' = '${DATA}/scores.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
CREATE TABLE IF NOT EXISTS scores (other STRING) WITH ('connector' = 'filesystem', 'path' = '${DATA}/empty.csv', 'format' = 'csv');
CREATE VIEW positive AS SELECT k FROM scores;
DROP VIEW positive;
CREATE VIEW IF NOT EXISTS positive AS SELECT k, v FROM scores WHERE v > 0;
SELECT * FROM positive;
