CREATE TABLE notices (
    event    TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    order_id TEXT   NOT NULL,
    customer TEXT   NOT NULL,
    text     TEXT   NOT NULL,
    at_ms    BIGINT NOT NULL,
    -- In the order in which they came.
    number   BIGINT GENERATED ALWAYS AS IDENTITY
);
CREATE INDEX notices_by_order ON notices (order_id, at_ms, number);
