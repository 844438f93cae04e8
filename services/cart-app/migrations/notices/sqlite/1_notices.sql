CREATE TABLE notices (
    -- In the order in which they came.
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    event    TEXT NOT NULL UNIQUE,
    order_id TEXT   NOT NULL,
    customer TEXT   NOT NULL,
    text     TEXT   NOT NULL,
    at_ms    BIGINT NOT NULL
);
CREATE INDEX notices_by_order ON notices (order_id, at_ms, number);
