-- feature: UNION ALL
-- about: three sources
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
CREATE TABLE payments (
  id INT,
  who STRING,
  shop STRING,
  amount DECIMAL(10, 2),
  status STRING,
  `day` DATE
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/payments.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
CREATE TABLE bools (
  id INT,
  a BOOLEAN,
  b BOOLEAN
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/bools.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT k AS a, v AS b FROM scores UNION ALL SELECT who, id FROM payments UNION ALL SELECT CAST(a AS STRING), id FROM bools;
