-- feature: table declarations
-- about: NOT NULL columns and comments
-- oracle: flink 2.3.0

CREATE TABLE scores (
  k STRING NOT NULL COMMENT 'the player',
  v INT COMMENT 'it''s a number'
) COMMENT 'scores of a game' WITH ('connector' = 'filesystem', 'path' = '${DATA}/scores.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
SELECT k, COALESCE(v, 0) AS v, k IS NULL AS n FROM scores;
