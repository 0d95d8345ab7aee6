-- feature: scripts
-- about: comments of both kinds, semicolons and quotes inside of text
-- oracle: flink 2.3.0

/* a comment before anything else; with a semicolon */
CREATE TABLE scores (
  k STRING,
  v INT
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/scores.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
-- it's a comment; SELECT 1;
SELECT k /* the key */, v -- the value
FROM scores
WHERE k <> 'a;''--b' /* and
more than one line */ AND v > 3;
