-- feature: JSON functions
-- about: IS JSON with kinds, in conditions, with a NULL
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
SELECT id, doc IS JSON VALUE AS a, doc IS JSON SCALAR AS b, '"x"' IS JSON SCALAR AS c, '{} rest' IS JSON AS d, '' IS JSON AS e,
  CASE WHEN doc IS NOT JSON OBJECT THEN 'other' ELSE 'object' END AS f
FROM documents WHERE doc IS JSON OR doc IS NULL;
