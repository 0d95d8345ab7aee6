-- feature: computed columns
-- about: a computed column in conditions and groups
-- oracle: flink 2.3.0

CREATE TABLE scores (
  k STRING,
  v INT,
  sign_of AS CASE WHEN v < 0 THEN 'minus' WHEN v IS NULL THEN 'none' ELSE 'plus' END
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/scores.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT sign_of, COUNT(*) AS n FROM scores WHERE sign_of <> 'none' GROUP BY sign_of;
