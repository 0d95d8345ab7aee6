-- Paced events through an exchange and a keyed aggregate to a sink that stages nothing. Bids of the same auction, bidder and price
-- are rare, so nearly every bid is a group of its own and is seen at the sink.
CREATE TABLE nexmark (
    event_type INT,
    bid ROW<
        auction BIGINT,
        bidder BIGINT,
        price BIGINT,
        `dateTime` TIMESTAMP(3)>
) WITH (
    'connector' = 'nexmark',
    'first-event.rate' = '${RATE}',
    'next-event.rate' = '${RATE}',
    'events.num' = '${EVENTS}',
    'max-emit-speed' = 'false',
    'seed' = '42'
);

CREATE VIEW bid AS
SELECT bid.auction, bid.bidder, bid.price, bid.`dateTime`
FROM nexmark
WHERE event_type = 2;

CREATE TABLE seen (
    auction BIGINT,
    bidder BIGINT,
    price BIGINT,
    bids BIGINT,
    due TIMESTAMP(3)
) WITH (
    'connector' = 'print'
);

INSERT INTO seen
SELECT auction, bidder, price, COUNT(*), MAX(`dateTime`)
FROM bid
GROUP BY auction, bidder, price;
