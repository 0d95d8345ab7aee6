-- A look at what the job has written so far: a bare SELECT over its output files. It keeps no state and can be run at any
-- time, while the job runs too: files that are visible are complete.
CREATE TABLE hourly_delays (
  origin STRING,
  window_start TIMESTAMP(3),
  flights BIGINT,
  cancelled BIGINT,
  delayed BIGINT            -- by 15 minutes or more
) WITH (
  'connector' = 'filesystem',
  'path' = 'out/hourly',
  'format' = 'json'
);

SELECT
  origin AS airport,
  SUM(flights) AS flights,
  SUM(cancelled) AS cancelled,
  SUM(delayed) AS delayed,
  -- The largest text is that of the hour with the most delays: the number comes first, in two places.
  MAX(LPAD(CAST(delayed AS STRING), 2, ' ') || ' delayed at ' || DATE_FORMAT(window_start, 'yyyy-MM-dd HH:mm')) AS worst_hour
FROM hourly_delays
GROUP BY origin;
