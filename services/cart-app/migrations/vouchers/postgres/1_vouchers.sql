CREATE TABLE vouchers (
    code    TEXT   NOT NULL PRIMARY KEY,
    -- JSON.
    voucher TEXT   NOT NULL,
    -- The uses that were not given back.
    used    BIGINT NOT NULL
);

-- An order's row is locked before anything is done for the order; `is_restored` is null while nothing is noted.
CREATE TABLE redemptions (
    order_id    TEXT NOT NULL PRIMARY KEY,
    code        TEXT,
    customer    TEXT,
    is_restored BOOLEAN
);
CREATE INDEX redemptions_by_customer ON redemptions (code, customer) WHERE NOT is_restored;

-- The commands that were performed. Those that are older than any message are deleted.
CREATE TABLE voucher_inbox (
    command      TEXT   NOT NULL PRIMARY KEY,
    outcome      TEXT   NOT NULL,
    performed_ms BIGINT NOT NULL
);
CREATE INDEX voucher_inbox_to_forget ON voucher_inbox (performed_ms);
