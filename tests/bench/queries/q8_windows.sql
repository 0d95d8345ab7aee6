-- The window aggregates of query 8: the people and the sellers of each ten seconds.
CREATE TABLE nexmark_q8_people (
    id BIGINT,
    name VARCHAR,
    stime TIMESTAMP(3)
) WITH (
    'connector' = 'blackhole'
);

CREATE TABLE nexmark_q8_sellers (
    seller BIGINT,
    stime TIMESTAMP(3)
) WITH (
    'connector' = 'blackhole'
);

EXECUTE STATEMENT SET
BEGIN
    INSERT INTO nexmark_q8_people
    SELECT id, name, window_start
    FROM TABLE(TUMBLE(TABLE person, DESCRIPTOR(`dateTime`), INTERVAL '10' SECOND))
    GROUP BY id, name, window_start, window_end;

    INSERT INTO nexmark_q8_sellers
    SELECT seller, window_start
    FROM TABLE(TUMBLE(TABLE auction, DESCRIPTOR(`dateTime`), INTERVAL '10' SECOND))
    GROUP BY seller, window_start, window_end;
END;
