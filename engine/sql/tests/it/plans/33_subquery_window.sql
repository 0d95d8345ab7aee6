SELECT window_start, COUNT(*) FROM TABLE(TUMBLE((SELECT * FROM t WHERE k = 'x'), DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end;
