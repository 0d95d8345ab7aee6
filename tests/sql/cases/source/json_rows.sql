-- feature: rows
-- about: fields of nested objects, missing ones, and those of rows that are NULL
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
SELECT id, bid.price, bid.who.name, bid.who.seen, bid.url, person.name AS person_name, person.seen AS person_seen FROM nested;
