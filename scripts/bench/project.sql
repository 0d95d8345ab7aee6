-- Stateless: how much a chain of a source, a filter, a projection and a sink costs a row.
CREATE TABLE payments (id BIGINT, card INT, cents INT, note STRING)
WITH ('connector' = 'datagen', 'rows-per-second' = '0', 'number-of-rows' = '${ROWS}', 'splits' = '4',
      'fields.card.min' = '0', 'fields.card.max' = '99999', 'fields.cents.min' = '1', 'fields.cents.max' = '50000',
      'fields.note.length' = '16');

CREATE TABLE out_rows (id BIGINT, euros DOUBLE, note STRING) WITH ('connector' = 'blackhole');

INSERT INTO out_rows
SELECT id, cents / 100.0E0, UPPER(note) FROM payments WHERE cents > 1000;
