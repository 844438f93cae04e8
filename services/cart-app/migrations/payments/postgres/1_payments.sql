CREATE TABLE payments (
    order_id TEXT   NOT NULL PRIMARY KEY,
    version  BIGINT NOT NULL,
    -- JSON.
    payment  TEXT   NOT NULL,
    token    TEXT
);

-- The commands that were performed. Rows stay; production would delete those that are older than any message.
CREATE TABLE payment_inbox (
    command      TEXT   NOT NULL PRIMARY KEY,
    outcome      TEXT   NOT NULL,
    performed_ms BIGINT NOT NULL
);
