-- feature: projection
-- about: a star over a window with a column that is there twice
-- oracle: flink 2.3.0
CREATE TABLE epoch (ms BIGINT, k STRING, v INT, l AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR l AS l - INTERVAL '10' SECOND)
WITH ('connector' = 'filesystem', 'path' = '${DATA}/epoch.json', 'format' = 'json');
SELECT *, window_end FROM TABLE(TUMBLE(TABLE epoch, DESCRIPTOR(l), INTERVAL '1' MINUTE)) WHERE v < 4;
