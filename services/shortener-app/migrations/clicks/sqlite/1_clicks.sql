CREATE TABLE click_counts (
    code   TEXT   NOT NULL PRIMARY KEY,
    clicks BIGINT NOT NULL
) WITHOUT ROWID;

-- Every tally that was added, so that none is added twice. The ids grow with time: inserts go to the end.
CREATE TABLE tallies (
    id     TEXT NOT NULL PRIMARY KEY,
    counts TEXT NOT NULL -- JSON: clicks by code
) WITHOUT ROWID;

-- One statement adds a tally and counts it, or does neither: the trigger fires only for a row that was new.
CREATE TRIGGER count_tally AFTER INSERT ON tallies BEGIN
    INSERT INTO click_counts (code, clicks) SELECT key, value FROM json_each(new.counts) WHERE true
        ON CONFLICT (code) DO UPDATE SET clicks = clicks + excluded.clicks;
END;
