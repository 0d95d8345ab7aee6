SELECT window_end, AVG(x) FROM TABLE(HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '5' MINUTE, INTERVAL '1' HOUR)) WHERE a > 0 GROUP BY window_start, window_end;
