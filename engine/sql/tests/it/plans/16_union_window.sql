CREATE VIEW both AS SELECT ts, k FROM t WHERE a = 1 UNION ALL SELECT ts, k FROM t WHERE a = 2;
SELECT window_start, k, COUNT(*) FROM TABLE(TUMBLE(TABLE both, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end, k;
