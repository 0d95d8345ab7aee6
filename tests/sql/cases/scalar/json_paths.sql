-- feature: JSON functions
-- about: paths with names in brackets, wildcards, at any depth, from the end
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
SELECT id, JSON_VALUE(doc, '$[''a'']') AS a, JSON_VALUE(doc, 'a') AS b, JSON_VALUE(doc, '$.list[-1]') AS c,
  JSON_QUERY(doc, '$.list[*]') AS d, JSON_QUERY(doc, '$.b.*') AS e, JSON_QUERY(doc, '$..a') AS f,
  JSON_QUERY(doc, '$[2]') AS g, JSON_VALUE(doc, '$[2].a') AS h, JSON_EXISTS(doc, '$[*].a') AS i
FROM documents;
