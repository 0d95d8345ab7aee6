-- feature: JSON functions
-- about: JSON_VALUE with paths, types and defaults
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
SELECT id, JSON_VALUE(doc, 'lax $.a') AS a, JSON_VALUE(doc, 'lax $.b.c') AS b, JSON_VALUE(doc, 'lax $.list[1]') AS c, JSON_VALUE(doc, 'lax $.x' RETURNING DOUBLE) AS d,
  JSON_VALUE(doc, 'lax $.list[0]' RETURNING INTEGER) AS e, JSON_VALUE(doc, 'lax $.none' DEFAULT 'absent' ON EMPTY) AS f,
  JSON_VALUE(doc, 'lax $.t' RETURNING BOOLEAN) AS g
FROM documents WHERE id <> 3;
