-- feature: date and time text
-- about: TO_TIMESTAMP_LTZ from seconds and milliseconds
-- oracle: flink 2.3.0

CREATE TABLE numbers (
  id INT,
  ti TINYINT,
  si SMALLINT,
  i INT,
  b BIGINT,
  f FLOAT,
  d DOUBLE,
  m DECIMAL(10, 2)
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/numbers.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT id, TO_TIMESTAMP_LTZ(b, 3) AS a, TO_TIMESTAMP_LTZ(i, 0) AS c, TO_TIMESTAMP_LTZ(1704067200123, 3) AS e FROM numbers WHERE id <> 8;
