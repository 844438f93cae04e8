-- Clicks belong to a link and no longer to its code, which may have had several links. Counts by code cannot be told apart
-- by link, so they end here.
DROP TRIGGER count_tally;
DROP TABLE click_counts;
CREATE TABLE click_counts (
    link   TEXT   NOT NULL PRIMARY KEY,
    clicks BIGINT NOT NULL
) WITHOUT ROWID;

-- As before: one statement adds a tally and counts it, or does neither.
CREATE TRIGGER count_tally AFTER INSERT ON tallies BEGIN
    INSERT INTO click_counts (link, clicks) SELECT key, value FROM json_each(new.counts) WHERE true
        ON CONFLICT (link) DO UPDATE SET clicks = clicks + excluded.clicks;
END;
