-- Event time: sums by card in windows of a minute, a millisecond of event time a row.
CREATE TABLE payments (card INT, cents INT, paid_at TIMESTAMP(3), WATERMARK FOR paid_at AS paid_at - INTERVAL '5' SECOND)
WITH ('connector' = 'datagen', 'rows-per-second' = '0', 'number-of-rows' = '${ROWS}', 'splits' = '4',
      'fields.card.min' = '0', 'fields.card.max' = '999', 'fields.cents.min' = '1', 'fields.cents.max' = '50000',
      'fields.paid_at.kind' = 'sequence', 'fields.paid_at.start' = '2024-01-01 00:00:00', 'fields.paid_at.interval' = '1 ms');

CREATE TABLE out_rows (window_start TIMESTAMP(3), card INT, n BIGINT, total BIGINT) WITH ('connector' = 'blackhole');

INSERT INTO out_rows
SELECT window_start, card, COUNT(*), SUM(CAST(cents AS BIGINT))
FROM TABLE(TUMBLE(TABLE payments, DESCRIPTOR(paid_at), INTERVAL '1' MINUTE))
GROUP BY window_start, window_end, card;
