-- Names and ids are compared byte by byte, so that a cursor means the same in every database.
CREATE TABLE products (
    id          TEXT NOT NULL PRIMARY KEY,
    name        TEXT NOT NULL,
    -- The name as the program folds its letters: databases fold those beyond ASCII differently.
    folded_name TEXT   NOT NULL,
    price_minor BIGINT NOT NULL,
    currency    TEXT   NOT NULL
);
CREATE INDEX products_by_name ON products (name, id);
