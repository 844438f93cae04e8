-- Idempotency keys; the reply, in JSON, is null until the checkout has ended.
CREATE TABLE checkout_keys (
    request_key      TEXT   NOT NULL PRIMARY KEY,
    fingerprint      BIGINT NOT NULL,
    order_id         TEXT   NOT NULL,
    -- JSON: what the order is to cost.
    total            TEXT   NOT NULL,
    claimed_until_ms BIGINT NOT NULL,
    forgotten_ms     BIGINT NOT NULL,
    -- Attempts that may have left a hold at the provider.
    open_attempts    BIGINT NOT NULL,
    reply            TEXT
);
CREATE INDEX checkout_keys_to_end ON checkout_keys (claimed_until_ms) WHERE reply IS NULL AND open_attempts > 0;
CREATE INDEX checkout_keys_to_forget ON checkout_keys (forgotten_ms);

-- Each order with its saga, in JSON: they are read and written as a whole. What is searched by has a column.
CREATE TABLE orders (
    id       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    purchase TEXT   NOT NULL,
    -- `running`, `parked` or `ended`.
    state    TEXT   NOT NULL,
    due_ms   BIGINT NOT NULL
);
CREATE INDEX orders_due ON orders (due_ms) WHERE state = 'running';
CREATE INDEX orders_parked ON orders (id) WHERE state = 'parked';

-- The replies that were taken. Those that are older than any message are deleted.
CREATE TABLE order_inbox (
    reply    TEXT   NOT NULL PRIMARY KEY,
    taken_ms BIGINT NOT NULL
);
CREATE INDEX order_inbox_to_forget ON order_inbox (taken_ms);

-- The orders of each product in the order of their commits. A product's row of `sales_counts` is locked until the commit,
-- so that a later number never becomes visible before an earlier one.
CREATE TABLE sales_counts (
    product TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    latest  BIGINT NOT NULL
);
CREATE TABLE sales (
    product  TEXT COLLATE "C" NOT NULL,
    number   BIGINT NOT NULL,
    order_id TEXT   NOT NULL,
    PRIMARY KEY (product, number)
);
