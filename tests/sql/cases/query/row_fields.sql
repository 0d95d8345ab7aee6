-- feature: rows
-- about: fields in conditions, expressions, keys and aggregates, and tests of whole rows with NULL
-- oracle: flink 2.3.0

CREATE TABLE nested (
  id INT,
  kind INT,
  bid ROW<price BIGINT, who ROW<name STRING, seen TIMESTAMP(3)>, url STRING>,
  person ROW(name STRING 'of the person', seen TIMESTAMP(3))
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/nested.json',
  'format' = 'json'
);
CREATE VIEW bids AS SELECT id, bid.price, bid.who, nested.bid.url FROM nested WHERE kind = 2;
SELECT who.name, COUNT(*) AS n, SUM(price + 1) AS s, MAX(b.who.seen) AS latest, COUNT(who.seen) AS times
FROM bids AS b WHERE b.who IS NOT NULL OR price > 7 GROUP BY who.name;
