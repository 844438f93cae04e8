CREATE TABLE click_counts (
    code   TEXT   NOT NULL PRIMARY KEY,
    clicks BIGINT NOT NULL
);

-- Every tally that was added, so that none is added twice. The ids grow with time: inserts go to the end.
CREATE TABLE tallies (
    id TEXT NOT NULL PRIMARY KEY
);
