-- feature: CSV source
-- about: blanks around numbers
-- oracle: flink 2.3.0

CREATE TABLE spaces (id INT, n INT, x DOUBLE, ok BOOLEAN) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/spaces.csv',
  'format' = 'csv'
);
SELECT * FROM spaces;
