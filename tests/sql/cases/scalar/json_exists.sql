-- feature: JSON functions
-- about: JSON_EXISTS and IS JSON
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
SELECT id, JSON_EXISTS(doc, '$.a') AS a, JSON_EXISTS(doc, 'lax $.b.c') AS b, doc IS JSON AS c, doc IS JSON OBJECT AS d, doc IS JSON ARRAY AS e, doc IS NOT JSON AS f FROM documents;
