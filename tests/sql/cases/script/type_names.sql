-- feature: table declarations
-- about: other names of the types
-- oracle: flink 2.3.0

CREATE TABLE numbers (id INTEGER, ti TINYINT, si SMALLINT, i INT, b BIGINT, f FLOAT, d DOUBLE PRECISION, m DEC(10, 2)) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/numbers.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT id, d, m, CAST(i AS VARCHAR) AS v, CAST(i AS NUMERIC(12, 1)) AS n, CAST(m AS DECIMAL) AS whole FROM numbers;
