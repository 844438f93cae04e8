-- Clicks belong to a link and no longer to its code, which may have had several links. Counts by code cannot be told apart
-- by link, so they end here.
DROP TABLE click_counts;
CREATE TABLE click_counts (
    link   TEXT   NOT NULL PRIMARY KEY,
    clicks BIGINT NOT NULL
);
