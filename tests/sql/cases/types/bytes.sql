-- feature: BYTES
-- about: base64 in CSV, compared and counted
-- oracle: flink 2.3.0

CREATE TABLE bin (id INT, b BYTES) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/binary.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT id, b, b = X'00FF10' AS same, b IS NULL AS nothing FROM bin;
