-- name: browse_orders
-- An organisation's orders between two ids, newest first, that fit: among the first so many ($5) below the cursor.
SELECT order_id, org_id, sku_id, sku_revision, quantity, unit_price_e4, total_e4, state, sequence, client_ref, trace,
       card_ids, placed_at, refunded_e4, confirm_until, account
FROM (
  SELECT * FROM orders WHERE lane = $1::smallint AND org_id = $2 AND order_id < $3 AND order_id >= $4
  ORDER BY order_id DESC LIMIT $5::int
) AS newest
WHERE (cardinality($6::text[]) = 0 OR state = ANY($6)) AND ($7::bigint IS NULL OR sku_id = $7)
ORDER BY order_id DESC LIMIT $8::int;

-- name: browsed_down_to
-- The last of the first so many ($5) orders of an organisation below a cursor; no row if there are fewer.
SELECT order_id FROM orders WHERE lane = $1::smallint AND org_id = $2 AND order_id < $3 AND order_id >= $4
ORDER BY order_id DESC OFFSET $5::int - 1 LIMIT 1;

-- name: tally_orders
-- What became of the newest orders of an organisation between two ids, at most so many ($5), by hour and state.
SELECT (order_id >> 22) / 3600000 AS hour, state, count(*) AS orders, sum(total_e4)::bigint AS total_e4,
       sum(refunded_e4)::bigint AS refunded_e4
FROM (
  SELECT order_id, state, total_e4, refunded_e4 FROM orders
  WHERE lane = $1::smallint AND org_id = $2 AND order_id < $3 AND order_id >= $4
  ORDER BY order_id DESC LIMIT $5::int
) AS newest GROUP BY 1, 2 ORDER BY 1, 2;

-- name: orders_of_refs
-- The orders that these references of an organisation stand for, and how each is.
SELECT r.ref_key, o.order_id, o.state, o.total_e4 FROM order_ref r
JOIN orders o ON o.lane = $1::smallint AND o.order_id = r.order_id
WHERE r.lane = $1::smallint AND r.ref_key = ANY($2::bytea[]) AND o.org_id = $3;
