SELECT k, COUNT(1) AS n, COUNT(*) AS n, k, a + 1 FROM t GROUP BY k, a + 1;
