CREATE TABLE logs (
    room  TEXT   NOT NULL PRIMARY KEY,
    epoch BIGINT NOT NULL,
    -- The number of the last record.
    last  BIGINT NOT NULL DEFAULT 0
);

-- `message_id` and `text` of a message, `term` of the end of a membership; the others are null.
CREATE TABLE records (
    room       TEXT NOT NULL,
    sequence   BIGINT NOT NULL,
    -- The sender, or who was removed.
    user_name  TEXT NOT NULL,
    -- What makes a record the same as another one of this user.
    what       TEXT NOT NULL,
    message_id TEXT,
    text       TEXT,
    term       BIGINT,
    at_ms      BIGINT NOT NULL,
    PRIMARY KEY (room, sequence),
    CONSTRAINT records_key UNIQUE (room, user_name, what)
);
CREATE INDEX records_of_ends ON records (room, user_name, term) WHERE term IS NOT NULL;

CREATE TABLE markers (
    room      TEXT NOT NULL,
    user_name TEXT NOT NULL,
    sequence  BIGINT NOT NULL,
    PRIMARY KEY (room, user_name)
);
