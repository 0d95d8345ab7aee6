-- feature: JSON functions
-- about: JSON_EXISTS with ON ERROR
-- oracle: flink 2.3.0
CREATE TABLE documents (
  id INT,
  doc STRING
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/documents.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT id, JSON_EXISTS(doc, '$.none' TRUE ON ERROR) AS a, JSON_EXISTS(doc, 'strict $.none' UNKNOWN ON ERROR) AS b,
  JSON_EXISTS(doc, 'lax $.none' TRUE ON ERROR) AS c, JSON_EXISTS(doc, '$.b.n' FALSE ON ERROR) AS d
FROM documents;
