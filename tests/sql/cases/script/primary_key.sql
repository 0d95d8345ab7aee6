-- feature: table declarations
-- about: a PRIMARY KEY that is not enforced does not deduplicate
-- oracle: flink 2.3.0

CREATE TABLE scores (k STRING NOT NULL, v INT, PRIMARY KEY (k) NOT ENFORCED) WITH ('connector' = 'filesystem', 'path' = '${DATA}/scores.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
SELECT k, v FROM scores;
