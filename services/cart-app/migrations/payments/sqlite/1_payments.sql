CREATE TABLE payments (
    order_id TEXT   NOT NULL PRIMARY KEY,
    version  BIGINT NOT NULL,
    -- JSON.
    payment  TEXT   NOT NULL,
    token    TEXT
);

-- The commands that were performed. Those that are older than any message are deleted.
CREATE TABLE payment_inbox (
    command      TEXT   NOT NULL PRIMARY KEY,
    outcome      TEXT   NOT NULL,
    performed_ms BIGINT NOT NULL
);
CREATE INDEX payment_inbox_to_forget ON payment_inbox (performed_ms);
