SET 'table.exec.source.idle-timeout' = '30 s';
SET 'table.optimizer.agg-phase-strategy' = 'ONE_PHASE';
SET 'table.exec.surce.x' = '1';
INSERT INTO p SELECT k, COUNT(*) FROM t GROUP BY k;
