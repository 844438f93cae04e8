-- The processes that hold connections, and until when those count without a word from it.
CREATE TABLE gateways (
    gateway          TEXT   NOT NULL PRIMARY KEY,
    leased_until_ms  BIGINT NOT NULL,
    -- The lease that the present one has replaced; null if there was none.
    leased_before_ms BIGINT
);
CREATE INDEX gateways_to_forget ON gateways (leased_until_ms);

-- The connections at each, also those that were closed a moment ago.
CREATE TABLE devices (
    gateway   TEXT   NOT NULL,
    device    TEXT   NOT NULL,
    user_name TEXT   NOT NULL,
    -- Since when it is closed; null while it is there.
    left_ms   BIGINT,
    PRIMARY KEY (gateway, device)
);
CREATE INDEX devices_of_users ON devices (user_name);
CREATE INDEX devices_to_forget ON devices (left_ms) WHERE left_ms IS NOT NULL;
