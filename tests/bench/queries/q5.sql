-- Query 5: the auctions with the most bids in the last ten seconds, every two seconds.
CREATE TABLE nexmark_q5 (
    auction BIGINT,
    num BIGINT
) WITH (
    'connector' = 'blackhole'
);

INSERT INTO nexmark_q5
SELECT counts.auction, counts.num
FROM (
    SELECT auction, COUNT(*) AS num, window_start, window_end
    FROM TABLE(HOP(TABLE bid, DESCRIPTOR(`dateTime`), INTERVAL '2' SECOND, INTERVAL '10' SECOND))
    GROUP BY auction, window_start, window_end
) AS counts
JOIN (
    SELECT MAX(num) AS largest, window_start, window_end
    FROM (
        SELECT COUNT(*) AS num, window_start, window_end
        FROM TABLE(HOP(TABLE bid, DESCRIPTOR(`dateTime`), INTERVAL '2' SECOND, INTERVAL '10' SECOND))
        GROUP BY auction, window_start, window_end
    ) AS every_count
    GROUP BY window_start, window_end
) AS most
ON counts.window_start = most.window_start
    AND counts.window_end = most.window_end
    AND counts.num >= most.largest;
