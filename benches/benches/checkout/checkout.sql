-- A checkout of `checkout=transaction` with `stock=row-lock`, for pgbench. N is the number of the script, whose products are
-- its own.
\set order random(1, 9223372036854775806)
\set fingerprint random(1, 9223372036854775806)
\set event random(1, 9223372036854775806)
INSERT INTO checkout_keys AS old
    (request_key, fingerprint, order_id, claimed_until_ms, forgotten_ms, total, open_attempts)
VALUES (:order, :fingerprint, :order, :now, :later, :total, 1)
ON CONFLICT (request_key) DO UPDATE SET
    fingerprint = excluded.fingerprint,
    order_id = CASE WHEN old.forgotten_ms <= :now THEN excluded.order_id ELSE old.order_id END,
    claimed_until_ms = excluded.claimed_until_ms,
    forgotten_ms = CASE WHEN old.forgotten_ms <= :now THEN excluded.forgotten_ms ELSE old.forgotten_ms END,
    total = excluded.total,
    open_attempts = CASE WHEN old.forgotten_ms <= :now THEN 1 ELSE old.open_attempts + 1 END,
    reply = NULL
WHERE old.forgotten_ms <= :now OR (old.reply IS NULL AND old.claimed_until_ms <= :now
    AND old.fingerprint = excluded.fingerprint)
RETURNING order_id;
BEGIN;
UPDATE checkout_keys SET reply = :reply WHERE request_key = :order AND reply IS NULL;
INSERT INTO orders (id, purchase, state, due_ms) VALUES (:order, :purchase, :state, :later);
INSERT INTO outbox (topic, event_id, event_key, type_name, payload, published_ms, traceparent)
VALUES (:command_topic, :event, :order, :command_type, :command, :now, :traceparent);
INSERT INTO outbox (topic, event_id, event_key, type_name, payload, published_ms, traceparent)
VALUES (:event_topic, :event, :order, :event_type, :made, :now, :traceparent);
INSERT INTO reservations (order_id) VALUES (:order)
ON CONFLICT (order_id) DO UPDATE SET order_id = excluded.order_id
RETURNING state, until_ms, lines;
SELECT product, available, version FROM stock_levels
WHERE product = ANY (ARRAY(SELECT json_array_elements_text(:both_N::json))) ORDER BY product FOR UPDATE;
UPDATE stock_levels SET available = available - :pieces, sold = sold + :pieces, version = version + 1
WHERE product = :one_N;
UPDATE stock_levels SET available = available - :pieces, sold = sold + :pieces, version = version + 1
WHERE product = :two_N;
UPDATE reservations SET state = :sold, until_ms = :now, lines = :lines WHERE order_id = :order;
INSERT INTO sales_counts (product, latest) VALUES (:one_N, 1)
ON CONFLICT (product) DO UPDATE SET latest = sales_counts.latest + 1 RETURNING latest \gset
INSERT INTO sales (product, number, order_id) VALUES (:one_N, :latest, :order);
INSERT INTO sales_counts (product, latest) VALUES (:two_N, 1)
ON CONFLICT (product) DO UPDATE SET latest = sales_counts.latest + 1 RETURNING latest \gset
INSERT INTO sales (product, number, order_id) VALUES (:two_N, :latest, :order);
COMMIT;
