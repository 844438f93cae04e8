-- Events that were published in a transaction and are on their way to their topic's transport; a row leaves when the
-- transport has it.
CREATE TABLE outbox (
    position     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic        TEXT   NOT NULL,
    event_id     BYTEA  NOT NULL,
    event_key    TEXT   NOT NULL,
    type_name    TEXT   NOT NULL,
    payload      BYTEA  NOT NULL,
    published_ms BIGINT NOT NULL,
    traceparent  TEXT,
    dead_reason  TEXT
);
CREATE INDEX outbox_waiting ON outbox (topic, position) WHERE dead_reason IS NULL;

-- Which relay publishes a topic's events, and until when.
CREATE TABLE outbox_leases (
    topic      TEXT   NOT NULL PRIMARY KEY,
    holder     TEXT   NOT NULL,
    expires_ms BIGINT NOT NULL
);
