CREATE TABLE IF NOT EXISTS charges (
    -- The order of the pages: there is one writer, so no smaller number is committed after a larger one.
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT    NOT NULL UNIQUE,
    order_id   TEXT    NOT NULL,
    amount     INTEGER NOT NULL CHECK (amount > 0),
    currency   TEXT    NOT NULL,
    status     TEXT    NOT NULL,
    decline    TEXT,
    captured   INTEGER NOT NULL CHECK (captured BETWEEN 0 AND amount),
    refunded   INTEGER NOT NULL CHECK (refunded BETWEEN 0 AND captured),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX IF NOT EXISTS charges_by_order ON charges (order_id, number);

-- The first reply to each idempotency key, and a hash of what it was a reply to.
CREATE TABLE IF NOT EXISTS replies (
    key         TEXT    NOT NULL PRIMARY KEY,
    fingerprint BLOB    NOT NULL,
    status      INTEGER NOT NULL,
    body        TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- The webhooks that are still to be delivered: a row is deleted with its acknowledgement, or when it is given up.
CREATE TABLE IF NOT EXISTS deliveries (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    charge   TEXT    NOT NULL,
    event    TEXT    NOT NULL,
    body     TEXT    NOT NULL,
    -- Whether it waits for a later event of its charge.
    is_held  INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    due_at   INTEGER NOT NULL,
    -- No attempt is made after this.
    until    INTEGER NOT NULL
) STRICT;

CREATE INDEX IF NOT EXISTS deliveries_by_due_at ON deliveries (due_at);
CREATE INDEX IF NOT EXISTS deliveries_by_charge ON deliveries (charge);

-- One row at most.
CREATE TABLE IF NOT EXISTS endpoint (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    url      TEXT    NOT NULL
) STRICT;
