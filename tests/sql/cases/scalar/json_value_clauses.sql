-- feature: JSON functions
-- about: what ON EMPTY and ON ERROR answer, for lax and strict paths
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
  JSON_VALUE(doc, '$.none' DEFAULT 'empty' ON EMPTY DEFAULT 'error' ON ERROR) AS a,
  JSON_VALUE(doc, 'lax $.none' DEFAULT 'empty' ON EMPTY DEFAULT 'error' ON ERROR) AS b,
  JSON_VALUE(doc, '$.b' DEFAULT 'empty' ON EMPTY DEFAULT 'error' ON ERROR) AS c,
  JSON_VALUE(doc, 'lax $.b' NULL ON EMPTY DEFAULT 'error' ON ERROR) AS d,
  JSON_VALUE(doc, 'lax $.b.n' DEFAULT 7 ON EMPTY) AS e,
  JSON_VALUE(doc, 'strict $.list[2]' RETURNING INTEGER DEFAULT -1 ON ERROR) AS f,
  JSON_VALUE(doc, '$.x' RETURNING DOUBLE NULL ON EMPTY NULL ON ERROR) AS g
FROM documents;
