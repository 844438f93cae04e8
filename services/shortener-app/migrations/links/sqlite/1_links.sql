CREATE TABLE links (
    code        TEXT   NOT NULL PRIMARY KEY,
    target      TEXT   NOT NULL,
    created_ms  BIGINT NOT NULL,
    expires_ms  BIGINT,
    request_key TEXT   NOT NULL UNIQUE
) WITHOUT ROWID;

-- Hands out numbers for `codes = counter`.
CREATE TABLE numbers (id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1), next BIGINT NOT NULL);
INSERT INTO numbers (id, next) VALUES (1, 0);
