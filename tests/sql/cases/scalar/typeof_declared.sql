-- feature: conditionals
-- about: TYPEOF of declared columns, literals, casts and arithmetic
-- oracle: flink 2.3.0
CREATE TABLE wide (
  id INT,
  c CHAR(3),
  v VARCHAR(7),
  b BYTES,
  ts TIMESTAMP(1),
  l TIMESTAMP_LTZ(3),
  t TIME
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/wide.csv',
  'format' = 'csv'
);
SELECT id, TYPEOF(c) AS a, TYPEOF(v) AS b, TYPEOF(b) AS c, TYPEOF(ts) AS d, TYPEOF(l) AS e, TYPEOF(t) AS f, TYPEOF(TRUE) AS g, TYPEOF(X'00') AS h,
  TYPEOF(DATE '2020-01-01') AS i, TYPEOF(CAST(v AS VARCHAR(5))) AS j, TYPEOF(CAST(id AS DECIMAL(5, 1))) AS k, TYPEOF(id > 1) AS m,
  TYPEOF(TRY_CAST(v AS INT)) AS n, TYPEOF(1.0 + id) AS o, TYPEOF(CURRENT_DATE) AS p, TYPEOF(LOCALTIMESTAMP) AS q, TYPEOF(NULL) AS r, TYPEOF(INTERVAL '1' DAY) AS s
FROM wide;
