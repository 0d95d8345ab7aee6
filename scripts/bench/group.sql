-- Keyed state and retractions: 100,000 keys, an update of the changelog for each row.
CREATE TABLE payments (card INT, cents INT)
WITH ('connector' = 'datagen', 'rows-per-second' = '0', 'number-of-rows' = '${ROWS}', 'splits' = '4',
      'fields.card.min' = '0', 'fields.card.max' = '99999', 'fields.cents.min' = '1', 'fields.cents.max' = '50000');

CREATE TABLE out_rows (card INT, n BIGINT, total BIGINT, largest INT, PRIMARY KEY (card) NOT ENFORCED)
WITH ('connector' = 'blackhole');

INSERT INTO out_rows
SELECT card, COUNT(*), SUM(CAST(cents AS BIGINT)), MAX(cents) FROM payments GROUP BY card;
