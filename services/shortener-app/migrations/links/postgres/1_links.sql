CREATE TABLE links (
    code        TEXT   NOT NULL PRIMARY KEY,
    target      TEXT   NOT NULL,
    created_ms  BIGINT NOT NULL,
    expires_ms  BIGINT,
    request_key TEXT   NOT NULL UNIQUE
);

-- Hands out numbers for `codes = counter`.
CREATE TABLE numbers (only INTEGER NOT NULL PRIMARY KEY CHECK (only = 1), next BIGINT NOT NULL);
INSERT INTO numbers (only, next) VALUES (1, 0);
