-- feature: JSON functions
-- about: JSON_QUERY with wrappers and what ON EMPTY and ON ERROR answer
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
SELECT id,
  JSON_QUERY(doc, '$.list' WITH CONDITIONAL WRAPPER) AS a,
  JSON_QUERY(doc, 'lax $.b.c' WITH CONDITIONAL ARRAY WRAPPER) AS b,
  JSON_QUERY(doc, 'lax $.a' EMPTY ARRAY ON EMPTY EMPTY OBJECT ON ERROR) AS c,
  JSON_QUERY(doc, 'strict $.a' WITHOUT ARRAY WRAPPER EMPTY ARRAY ON EMPTY EMPTY OBJECT ON ERROR) AS d,
  JSON_QUERY(doc, '$.none' WITH UNCONDITIONAL WRAPPER EMPTY ARRAY ON ERROR) AS e,
  JSON_QUERY(doc, 'lax $.b.n' WITH WRAPPER EMPTY OBJECT ON EMPTY) AS f
FROM documents;
