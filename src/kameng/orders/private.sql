-- name: find_marked
-- One organisation's orders below the cursor that have one of these marks, newest first.
SELECT order_id, org_id, sku_id, sku_revision, quantity, unit_price_e4, total_e4, state, sequence, client_ref, trace,
       card_ids, placed_at, refunded_e4, confirm_until, account
FROM orders
WHERE lane = $1::smallint AND org_id = $2 AND order_id < $3
  AND order_id = ANY(ARRAY(
    SELECT order_id FROM order_mark
    WHERE lane = $1::smallint AND span = ANY($6::smallint[]) AND mark = ANY($4::bytea[])))
ORDER BY order_id DESC LIMIT $5::int;

-- name: find_marked_of_all
-- Everybody's orders of a lane below the cursor that have one of these marks, newest first.
SELECT order_id, org_id, sku_id, sku_revision, quantity, unit_price_e4, total_e4, state, sequence, client_ref, trace,
       card_ids, placed_at, refunded_e4, confirm_until, account
FROM orders
WHERE lane = $1::smallint AND order_id < $2
  AND order_id = ANY(ARRAY(
    SELECT order_id FROM order_mark
    WHERE lane = $1::smallint AND span = ANY($5::smallint[]) AND mark = ANY($3::bytea[])))
ORDER BY order_id DESC LIMIT $4::int;

-- name: read_account
-- Whose an order is, and its account.
SELECT org_id, account FROM orders WHERE lane = $1::smallint AND order_id = $2;

-- name: final_with_password
-- Orders in a final state $2 whose account still holds a password, from an order id on.
SELECT o.order_id, o.account FROM order_password p JOIN orders o ON o.lane = p.lane AND o.order_id = p.order_id
WHERE p.lane = $1::smallint AND o.state = ANY($2::text[]) AND o.account IS NOT NULL AND p.order_id > $3
ORDER BY p.order_id LIMIT $4::int;

-- name: final_with_account
-- Orders in a final state $2 with an account, with ids from $3 up to $4.
SELECT order_id, account FROM orders
WHERE lane = $1::smallint AND account IS NOT NULL AND state = ANY($2::text[]) AND order_id > $3 AND order_id < $4
ORDER BY order_id LIMIT $5::int;

-- name: replace_accounts
-- Puts other accounts, or none, in place of what was read; returns where that was still there.
UPDATE orders o SET account = s.fresh FROM unnest($2::bigint[], $3::bytea[], $4::bytea[]) AS s (order_id, fresh, old)
WHERE o.lane = $1::smallint AND o.order_id = s.order_id AND o.account = s.old
RETURNING o.order_id;

-- name: forget_passwords
-- These accounts hold no password any more.
DELETE FROM order_password WHERE lane = $1::smallint AND order_id = ANY($2::bigint[]);

-- name: forget_marks
-- The orders are not found by these marks any more, each its own.
DELETE FROM order_mark m USING unnest($2::bytea[], $3::bigint[]) AS s (mark, order_id)
WHERE m.lane = $1::smallint AND m.span = s.order_id >> 51 AND m.mark = s.mark AND m.order_id = s.order_id;

-- name: marks_of_orders
-- All marks of some orders, by looking through the lane's: for accounts that do not open.
SELECT mark, order_id FROM order_mark WHERE lane = $1::smallint AND order_id = ANY($2::bigint[]);

-- name: read_older
-- How far the marks of a lane's older orders are made; nothing: all of them are.
SELECT after_id, until_id FROM order_mark_older WHERE lane = $1::smallint;

-- name: accounts_between
-- Orders with an account, beyond the id $2 and up to $3.
SELECT order_id, account FROM orders
WHERE lane = $1::smallint AND account IS NOT NULL AND order_id > $2 AND order_id <= $3
ORDER BY order_id LIMIT $4::int;

-- name: add_marks
-- Marks of orders whose account is still there; what stands already stays.
INSERT INTO order_mark (lane, mark, order_id)
SELECT $1::smallint, m.mark, m.order_id FROM unnest($2::bytea[], $3::bigint[]) AS m (mark, order_id)
JOIN orders o ON o.lane = $1::smallint AND o.order_id = m.order_id AND o.account IS NOT NULL
ON CONFLICT DO NOTHING;

-- name: add_passwords
-- Orders whose account, still there, holds a password.
INSERT INTO order_password (lane, order_id)
SELECT $1::smallint, o.order_id FROM orders o
WHERE o.lane = $1::smallint AND o.order_id = ANY($2::bigint[]) AND o.account IS NOT NULL
ON CONFLICT DO NOTHING;

-- name: move_older
-- So far are they made.
UPDATE order_mark_older SET after_id = $2 WHERE lane = $1::smallint;

-- name: end_older
-- All of them are.
DELETE FROM order_mark_older WHERE lane = $1::smallint;
