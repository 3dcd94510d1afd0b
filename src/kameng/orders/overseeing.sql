-- name: window_of_all
-- Where a look through a lane's orders stops: beyond so many of them ($4), from below $2 down to $3. The index alone.
SELECT order_id FROM orders WHERE lane = $1::smallint AND order_id < $2 AND order_id >= $3
ORDER BY order_id DESC OFFSET $4::int LIMIT 1;

-- name: window_of_organisation
-- The same of one organisation ($5).
SELECT order_id FROM orders WHERE lane = $1::smallint AND org_id = $5 AND order_id < $2 AND order_id >= $3
ORDER BY order_id DESC OFFSET $4::int LIMIT 1;

-- name: oversee_all
-- Orders of a lane from below $2 down to $3, newest first, with their buyers; what is NULL is not asked for.
SELECT o.order_id, o.org_id, g.name, g.currency, o.sku_id, o.quantity, o.total_e4, o.cost_e4, o.refunded_e4, o.state,
       o.client_ref, o.placed_at
FROM orders o JOIN organisation g ON g.lane = $1::smallint AND g.org_id = o.org_id
WHERE o.lane = $1::smallint AND o.order_id < $2 AND o.order_id >= $3
  AND ($5::text[] IS NULL OR o.state = ANY($5)) AND ($6::bigint IS NULL OR o.sku_id = $6)
  AND ($7::bigint IS NULL OR o.total_e4 >= $7) AND ($8::bigint IS NULL OR o.total_e4 <= $8)
ORDER BY o.order_id DESC LIMIT $4::int;

-- name: oversee_organisation
-- The same of one organisation ($9).
SELECT o.order_id, o.org_id, g.name, g.currency, o.sku_id, o.quantity, o.total_e4, o.cost_e4, o.refunded_e4, o.state,
       o.client_ref, o.placed_at
FROM orders o JOIN organisation g ON g.lane = $1::smallint AND g.org_id = o.org_id
WHERE o.lane = $1::smallint AND o.org_id = $9 AND o.order_id < $2 AND o.order_id >= $3
  AND ($5::text[] IS NULL OR o.state = ANY($5)) AND ($6::bigint IS NULL OR o.sku_id = $6)
  AND ($7::bigint IS NULL OR o.total_e4 >= $7) AND ($8::bigint IS NULL OR o.total_e4 <= $8)
ORDER BY o.order_id DESC LIMIT $4::int;

-- name: oversee_unfinished
-- The same of one state ($5) that is not final, by the index of those.
SELECT o.order_id, o.org_id, g.name, g.currency, o.sku_id, o.quantity, o.total_e4, o.cost_e4, o.refunded_e4, o.state,
       o.client_ref, o.placed_at
FROM ONLY orders o JOIN organisation g ON g.lane = $1::smallint AND g.org_id = o.org_id
WHERE o.lane = $1::smallint AND o.state = $5::text AND o.order_id < $2 AND o.order_id >= $3
  AND o.state IN ('awaiting_payment', 'paid', 'held', 'fulfilling', 'review', 'cancelling', 'failed', 'refused')
  AND ($6::bigint IS NULL OR o.sku_id = $6)
  AND ($7::bigint IS NULL OR o.total_e4 >= $7) AND ($8::bigint IS NULL OR o.total_e4 <= $8)
ORDER BY o.order_id DESC LIMIT $4::int;

-- name: oversee_these
-- Some orders of a lane, with their buyers.
SELECT o.order_id, o.org_id, g.name, g.currency, o.sku_id, o.quantity, o.total_e4, o.cost_e4, o.refunded_e4, o.state,
       o.client_ref, o.placed_at
FROM orders o JOIN organisation g ON g.lane = $1::smallint AND g.org_id = o.org_id
WHERE o.lane = $1::smallint AND o.order_id = ANY($2::bigint[]) ORDER BY o.order_id DESC;

-- name: count_unfinished
-- How many orders of a lane are in a state that is not final, placed before the id $3; at most so many are counted.
SELECT count(*) FROM (
  SELECT FROM ONLY orders
  WHERE lane = $1::smallint AND state = $2::text AND order_id < $3
    AND state IN ('awaiting_payment', 'paid', 'held', 'fulfilling', 'review', 'cancelling', 'failed', 'refused')
  LIMIT $4::int) AS found;

-- name: orders_by_tail
-- Orders of a lane whose number ends like one of these ($2: the last six digits), newest first.
SELECT order_id FROM orders
WHERE lane = $1::smallint AND order_id % 1000000 = ANY($2::bigint[]) AND order_id % $3::bigint = $4::bigint
ORDER BY order_id DESC LIMIT $5::int;

-- name: orders_between
-- Orders of a lane whose number begins so: between two ids, newest first.
SELECT order_id FROM orders WHERE lane = $1::smallint AND order_id >= $2 AND order_id < $3
ORDER BY order_id DESC LIMIT $4::int;

-- name: latest_outcomes
-- What became of the newest orders of a lane below an id: state and, of those that were delivered, after how long in ms.
SELECT o.state, (
  SELECT (extract(epoch FROM min(e.at) - o.placed_at) * 1000)::bigint FROM event e
  WHERE e.lane = $1::smallint AND e.subject_id = o.order_id AND e.kind IN ('order.delivered', 'order.partly_delivered')
) AS delivered_after_ms
FROM (SELECT order_id, state, placed_at FROM ONLY orders WHERE lane = $1::smallint AND order_id < $2
      ORDER BY order_id DESC LIMIT $3::int) AS o;

-- name: newest_waits
-- Of the newest orders of a lane, those that brought goods: which, and after how long in ms. Nobody's play.
SELECT o.order_id, o.sku_id, (extract(epoch FROM e.at - o.placed_at) * 1000)::bigint AS waited_ms
FROM (SELECT order_id, org_id, sku_id, placed_at FROM ONLY orders WHERE lane = $1::smallint
      ORDER BY order_id DESC LIMIT $2::int) AS o
JOIN organisation g ON g.lane = $1::smallint AND g.org_id = o.org_id AND g.sandbox_of IS NULL
CROSS JOIN LATERAL (
  SELECT min(e.at) AS at FROM event e
  WHERE e.lane = $1::smallint AND e.subject_id = o.order_id AND e.kind IN ('order.delivered', 'order.partly_delivered')
) AS e WHERE e.at IS NOT NULL;

-- name: set_paces
-- How long goods take, as measured now.
INSERT INTO sku_pace (sku_id, median_ms, orders, measured_at)
SELECT s.*, $4::timestamptz FROM unnest($1::bigint[], $2::bigint[], $3::int[]) AS s
ON CONFLICT (sku_id) DO UPDATE
SET median_ms = excluded.median_ms, orders = excluded.orders, measured_at = excluded.measured_at;

-- name: every_pace
-- How long goods take, of all that were measured.
SELECT sku_id, median_ms, orders FROM sku_pace;

-- name: tallied_until
-- Up to which order a lane is added up.
SELECT until_id FROM order_tallied WHERE lane = $1::smallint;

-- name: tally_orders
-- Adds up at most $3 orders of a lane beyond an id by five minutes; the last of them, NULL if there was none.
WITH fresh AS (
  SELECT o.order_id, o.org_id, o.total_e4, o.cost_e4, o.placed_at FROM orders o
  WHERE o.lane = $1::smallint AND o.order_id > $2 ORDER BY o.order_id LIMIT $3::int
), added AS (
  INSERT INTO order_tally (lane, since, currency, orders, amount_e4, cost_e4)
  SELECT $1::smallint, date_bin('5 minutes', f.placed_at, '2025-01-01'), g.currency, count(*), sum(f.total_e4),
         sum(f.cost_e4)
  FROM fresh f JOIN organisation g ON g.lane = $1::smallint AND g.org_id = f.org_id GROUP BY 2, 3
  ON CONFLICT (lane, since, currency) DO UPDATE SET orders = order_tally.orders + excluded.orders,
    amount_e4 = order_tally.amount_e4 + excluded.amount_e4, cost_e4 = order_tally.cost_e4 + excluded.cost_e4
)
SELECT max(order_id) FROM fresh;

-- name: set_tallied
-- The lane is added up to here.
INSERT INTO order_tallied (lane, until_id) VALUES ($1::smallint, $2)
ON CONFLICT (lane) DO UPDATE SET until_id = excluded.until_id;

-- name: read_tallies
-- What a lane's orders came to in each five minutes from a moment on.
SELECT since, orders, amount_e4, cost_e4 FROM order_tally
WHERE lane = $1::smallint AND since >= $2 AND currency = $3 ORDER BY since;

-- name: first_order_from
-- Where counting begins: the order before the first one of a day.
SELECT order_id FROM orders WHERE lane = $1::smallint AND order_id < $2 ORDER BY order_id DESC LIMIT 1;

-- name: count_placed
-- How many orders of a lane were placed from an id on; at most so many are counted.
SELECT count(*) FROM (SELECT FROM ONLY orders WHERE lane = $1::smallint AND order_id >= $2 LIMIT $3::int) AS found;

-- name: list_confirming
-- Orders of a lane beyond an id whose buyers may confirm what came, oldest first, with what of their money waits for it;
-- of these SKUs ($3) or with cards of this supplier ($5), or of all. What was paid less what went back, as the law of
-- escrow has it.
SELECT o.order_id, o.org_id, g.name AS buyer, g.currency, o.sku_id, o.quantity, o.state, o.placed_at, o.confirm_until,
       (p.paid_e4 - div(p.paid_e4::numeric * o.refunded_e4, o.total_e4))::bigint AS escrow_e4,
       coalesce(b.supplier_org_id, 0) AS supplier_id
FROM ONLY orders o JOIN organisation g ON g.lane = $1::smallint AND g.org_id = o.org_id
LEFT JOIN card c ON c.lane = $1::smallint AND c.card_id = o.card_ids[1]
LEFT JOIN card_batch b ON b.batch_id = c.batch_id
CROSS JOIN LATERAL (
  SELECT o.total_e4 - CASE WHEN o.split ->> 'payer_id' IS NULL THEN 0
                           ELSE (o.split #>> '{margins,-1,1}')::bigint END AS paid_e4) AS p
WHERE o.lane = $1::smallint AND o.confirm_until IS NOT NULL AND o.order_id > $2
  AND ($3::bigint[] IS NULL OR o.sku_id = ANY($3) OR b.supplier_org_id = $5::bigint)
ORDER BY o.order_id LIMIT $4::int;

-- name: sum_confirming
-- The same of a lane added up by SKU and supplier of its cards, of so many orders at most.
SELECT c.currency, c.sku_id, coalesce(b.supplier_org_id, 0) AS supplier_id, count(*)::int AS orders, sum(c.escrow_e4)::bigint AS escrow_e4, min(c.placed_at) AS since
FROM (
  SELECT g.currency, o.sku_id, o.card_ids[1] AS card_id, o.placed_at, p.paid_e4 - div(p.paid_e4::numeric * o.refunded_e4, o.total_e4) AS escrow_e4
  FROM ONLY orders o JOIN organisation g ON g.lane = $1::smallint AND g.org_id = o.org_id
  CROSS JOIN LATERAL (
    SELECT o.total_e4 - CASE WHEN o.split ->> 'payer_id' IS NULL THEN 0
                             ELSE (o.split #>> '{margins,-1,1}')::bigint END AS paid_e4) AS p
  WHERE o.lane = $1::smallint AND o.confirm_until IS NOT NULL ORDER BY o.order_id LIMIT $2::int) AS c
LEFT JOIN card d ON d.lane = $1::smallint AND d.card_id = c.card_id LEFT JOIN card_batch b ON b.batch_id = d.batch_id
GROUP BY 1, 2, 3;

-- name: sum_undelivered
-- What rests in escrow of a lane's orders that are paid and not delivered, by state.
SELECT g.currency, o.state, count(*)::int AS orders,
       sum(p.paid_e4 - div(p.paid_e4::numeric * o.refunded_e4, o.total_e4))::bigint AS escrow_e4
FROM ONLY orders o JOIN organisation g ON g.lane = $1::smallint AND g.org_id = o.org_id
CROSS JOIN LATERAL (
  SELECT o.total_e4 - CASE WHEN o.split ->> 'payer_id' IS NULL THEN 0
                           ELSE (o.split #>> '{margins,-1,1}')::bigint END AS paid_e4) AS p
WHERE o.lane = $1::smallint AND o.state = ANY(ARRAY['paid', 'held', 'fulfilling', 'review', 'cancelling', 'failed', 'refused'])
  AND o.state IN ('awaiting_payment', 'paid', 'held', 'fulfilling', 'review', 'cancelling', 'failed', 'refused')
  AND o.confirm_until IS NULL
GROUP BY 1, 2;
