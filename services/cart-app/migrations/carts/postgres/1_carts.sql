CREATE TABLE carts (
    id      TEXT   NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    -- JSON: a cart is read and written as a whole.
    cart    TEXT   NOT NULL
);
