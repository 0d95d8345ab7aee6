-- feature: projection
-- about: names in backquotes keep case, blanks and reserved words
-- oracle: flink 2.3.0

CREATE TABLE `My Table` (`Id` INT, `select` STRING, `größe` STRING, N INT) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/strings.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT `Id`, `select` AS `from`, `größe`, N AS `a b` FROM `My Table` WHERE N > 1;
