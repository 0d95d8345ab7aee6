-- feature: literals
-- about: strings with Unicode escapes, with an escape character of their own
-- oracle: flink 2.3.0
CREATE TABLE scores (
  k STRING,
  v INT
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/scores.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT k, U&'d\0061t\0061' AS a, U&'d!0061t!!' UESCAPE '!' AS b, U&'\d83d\de00' AS c, U&'it''s \\' AS d, U&'' AS e,
  CHAR_LENGTH(U&'\65e5\672c') AS f, k = U&'\0062' AS g
FROM scores WHERE v >= 5;
