SELECT k, SUM(a) FILTER (WHERE flag) AS s, AVG(d), MIN(ts), COUNT(b) FROM t GROUP BY k HAVING SUM(a) > 10 AND k <> 'x';
