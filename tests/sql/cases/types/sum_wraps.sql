-- feature: integer types
-- about: SUM of TINYINT and INT wraps around
-- oracle: flink 2.3.0

CREATE TABLE limits (
  id INT,
  ti TINYINT,
  si SMALLINT,
  i INT,
  b BIGINT,
  f FLOAT,
  d DOUBLE,
  m DECIMAL(38, 10)
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/limits.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT SUM(ti) AS a, SUM(i) AS b, SUM(b) AS c, COUNT(*) AS n FROM limits WHERE ti > 0;
