-- A log's row is locked from the moment in which a number is taken until the commit, so that a later record never becomes
-- visible before an earlier one.
CREATE TABLE logs (
    room  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    epoch BIGINT NOT NULL,
    -- The number of the last record.
    last  BIGINT NOT NULL DEFAULT 0,
    -- Grows with each end of a membership: whoever reads it before and after knows whether there was one in between.
    ends  BIGINT NOT NULL DEFAULT 0
);

-- `message_id` and `text` of a message, `term` of the end of a membership; the others are null.
CREATE TABLE records (
    room       TEXT COLLATE "C" NOT NULL,
    sequence   BIGINT NOT NULL,
    -- The sender, or who was removed.
    user_name  TEXT COLLATE "C" NOT NULL,
    -- What makes a record the same as another one of this user.
    what       TEXT COLLATE "C" NOT NULL,
    message_id TEXT,
    text       TEXT,
    term       BIGINT,
    at_ms      BIGINT NOT NULL,
    PRIMARY KEY (room, sequence),
    CONSTRAINT records_key UNIQUE (room, user_name, what)
);
CREATE INDEX records_of_ends ON records (room, user_name, term) WHERE term IS NOT NULL;

CREATE TABLE markers (
    room      TEXT COLLATE "C" NOT NULL,
    user_name TEXT COLLATE "C" NOT NULL,
    sequence  BIGINT NOT NULL,
    PRIMARY KEY (room, user_name)
);
