-- feature: BYTES
-- about: bytes as text and back
-- oracle: flink 2.3.0

CREATE TABLE bin (id INT, b BYTES) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/binary.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT id, CAST(b AS STRING) AS s, CAST('é' AS BYTES) = b AS e FROM bin WHERE id <> 2;
