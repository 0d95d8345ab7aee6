-- feature: string functions
-- about: POSITION, LOCATE and INSTR count characters from 1 and say 0 for absent
-- oracle: flink 2.3.0

CREATE TABLE strings (
  id INT,
  s STRING,
  t STRING,
  n INT
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/strings.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT id, POSITION(t IN s) AS a, LOCATE(t, s) AS b, LOCATE('l', s, 5) AS c, INSTR(s, t) AS d, POSITION('ñ' IN s) AS e FROM strings;
