-- `id` tells a link from others that have had its code; `aliased` says whether the code was wished for, which of older links
-- only the length tells: a made code has seven characters.
CREATE TABLE lives (
    code        TEXT    NOT NULL PRIMARY KEY,
    target      TEXT    NOT NULL,
    created_ms  BIGINT  NOT NULL,
    expires_ms  BIGINT,
    request_key TEXT    NOT NULL UNIQUE,
    id          TEXT    NOT NULL,
    aliased     BOOLEAN NOT NULL
) WITHOUT ROWID;
INSERT INTO lives SELECT code, target, created_ms, expires_ms, request_key, lower(hex(randomblob(16))), length(code) <> 7 FROM links;
DROP TABLE links;
ALTER TABLE lives RENAME TO links;
