-- feature: JSON functions
-- about: JSON_QUERY returns objects and arrays as text
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
SELECT id, JSON_QUERY(doc, 'lax $.b') AS a, JSON_QUERY(doc, 'lax $.list') AS b, JSON_QUERY(doc, 'lax $.b.c') AS c, JSON_QUERY(doc, 'lax $.list[0]' WITH WRAPPER) AS d FROM documents WHERE id <> 3;
