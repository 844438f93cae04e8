CREATE TABLE rooms (
    id      TEXT   NOT NULL PRIMARY KEY,
    name    TEXT   NOT NULL,
    made_by TEXT   NOT NULL,
    made_ms BIGINT NOT NULL
);

-- Whoever was a member once: what is kept of those that are none any more is the term, so that their next one is another.
-- Names are compared byte by byte, so that a page begins at the same place in every database.
CREATE TABLE members (
    room      TEXT NOT NULL,
    user_name TEXT NOT NULL,
    -- `owner` or `member`.
    role      TEXT    NOT NULL,
    term      BIGINT  NOT NULL,
    -- False from the moment in which the membership is ending.
    is_member BOOLEAN NOT NULL,
    PRIMARY KEY (room, user_name)
);
CREATE INDEX members_there ON members (room, user_name) WHERE is_member;
CREATE INDEX members_owning ON members (room, user_name) WHERE is_member AND role = 'owner';

-- The ends of memberships that the logs of the rooms may lack.
CREATE TABLE member_ends (
    room      TEXT NOT NULL,
    user_name TEXT NOT NULL,
    term      BIGINT NOT NULL,
    PRIMARY KEY (room, user_name, term)
);
