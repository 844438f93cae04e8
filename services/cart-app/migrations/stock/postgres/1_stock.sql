-- stocked = reserved + sold + available. No constraint says that none is below zero, although production would have one:
-- it would stop `check-then-act`, which is here to be seen failing.
CREATE TABLE stock_levels (
    product   TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    stocked   BIGINT NOT NULL,
    reserved  BIGINT NOT NULL,
    sold      BIGINT NOT NULL,
    available BIGINT NOT NULL,
    -- Grows with every change; `optimistic` compares it.
    version   BIGINT NOT NULL
);

CREATE TABLE deliveries (
    id       TEXT   NOT NULL PRIMARY KEY,
    product  TEXT   NOT NULL,
    quantity BIGINT NOT NULL
);

-- An order's row is locked before anything is done for the order; its state is null while nothing is noted.
CREATE TABLE reservations (
    order_id TEXT   NOT NULL PRIMARY KEY,
    state    TEXT,
    until_ms BIGINT NOT NULL DEFAULT 0,
    -- JSON.
    lines    TEXT   NOT NULL DEFAULT '[]'
);
CREATE INDEX reservations_to_end ON reservations (until_ms) WHERE state = 'reserved';

-- The commands that were performed. Those that are older than any message are deleted.
CREATE TABLE stock_inbox (
    command      TEXT   NOT NULL PRIMARY KEY,
    outcome      TEXT   NOT NULL,
    performed_ms BIGINT NOT NULL
);
CREATE INDEX stock_inbox_to_forget ON stock_inbox (performed_ms);
