-- The policies that are in force: all of them in one row, so that a set is put in place as a whole.
CREATE TABLE policies (
    id       INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    version  BIGINT  NOT NULL,
    policies TEXT    NOT NULL -- JSON
);
INSERT INTO policies (id, version, policies) VALUES (1, 0, '[]');
