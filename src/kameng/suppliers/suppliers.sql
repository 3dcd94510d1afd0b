-- name: last_costs
-- What a card of each SKU cost in a supplier's newest batch of which that is known.
SELECT DISTINCT ON (sku_id) sku_id, coalesce(cost_e4, paid_e4 / nullif(loaded, 0)) AS cost_e4 FROM card_batch
WHERE supplier_org_id = $1 AND supplier_org_id <> 0 AND loaded > 0 AND coalesce(cost_e4, paid_e4) IS NOT NULL
ORDER BY sku_id, batch_id DESC;

-- name: agreed_costs
-- What was agreed last with a supplier, by SKU.
SELECT DISTINCT ON (sku_id) sku_id, cost_e4 FROM supplier_offer
WHERE lane = $1::smallint AND org_id = $2 AND state = 'accepted' AND sku_id IS NOT NULL
ORDER BY sku_id, decided_at DESC, offer_id DESC;

-- name: worked_skus
-- SKUs that a supplier works by hand.
SELECT sku_id FROM sku WHERE worked_by = $1 AND worked_by <> 0 ORDER BY sku_id;

-- name: has_sku
-- Whether there is such a SKU.
SELECT EXISTS (SELECT FROM sku WHERE sku_id = $1);

-- name: insert_offer
-- What a supplier offers.
INSERT INTO supplier_offer (lane, offer_id, org_id, sku_id, is_new, brand, product, spec, cost_e4, was_e4, reason,
                            state, offered_by, offered_at)
VALUES ($1::smallint, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'waiting', $12, $13);

-- name: count_open_offers
-- How many offers of a supplier nobody has answered.
SELECT count(*) FROM supplier_offer WHERE lane = $1::smallint AND org_id = $2 AND state = 'waiting';

-- name: read_offer
-- One offer.
SELECT offer_id, org_id, sku_id, is_new, brand, product, spec, cost_e4, was_e4, reason, state, note, offered_by,
       offered_at, decided_by, decided_at
FROM supplier_offer WHERE lane = $1::smallint AND offer_id = $2;

-- name: offers_of
-- A supplier's offers below the cursor, newest first; of some states ($5), if they are named.
SELECT offer_id, org_id, sku_id, is_new, brand, product, spec, cost_e4, was_e4, reason, state, note, offered_by,
       offered_at, decided_by, decided_at
FROM supplier_offer WHERE lane = $1::smallint AND org_id = $2 AND offer_id < $3
  AND (cardinality($5::text[]) = 0 OR state = ANY($5))
ORDER BY offer_id DESC LIMIT $4::int;

-- name: waiting_offers
-- Offers of a lane that nobody has answered, beyond the cursor, the oldest first.
SELECT offer_id, org_id, sku_id, is_new, brand, product, spec, cost_e4, was_e4, reason, state, note, offered_by,
       offered_at, decided_by, decided_at
FROM supplier_offer WHERE lane = $1::smallint AND state = 'waiting' AND offer_id > $2 ORDER BY offer_id LIMIT $3::int;

-- name: decided_offers
-- Offers of a lane that were accepted or refused, decided before a moment, the last decided first.
SELECT offer_id, org_id, sku_id, is_new, brand, product, spec, cost_e4, was_e4, reason, state, note, offered_by,
       offered_at, decided_by, decided_at
FROM supplier_offer
WHERE lane = $1::smallint AND decided_at IS NOT NULL AND (decided_at, offer_id) < ($2, $3::bigint)
  AND ($4::text IS NULL OR state = $4)
ORDER BY decided_at DESC, offer_id DESC LIMIT $5::int;

-- name: set_offer
-- Answers an offer, if nobody has; returns its id then.
UPDATE supplier_offer SET state = $3, note = $4, sku_id = $5, decided_by = $6, decided_at = $7
WHERE lane = $1::smallint AND offer_id = $2 AND state = 'waiting' RETURNING offer_id;

-- name: accepted_offers
-- What was agreed with whom in a lane, oldest first.
SELECT org_id, sku_id, cost_e4, decided_at FROM supplier_offer
WHERE lane = $1::smallint AND state = 'accepted' AND sku_id IS NOT NULL ORDER BY decided_at, offer_id;

-- name: has_supplies
-- Whether anything comes from suppliers at all.
SELECT EXISTS (SELECT FROM card_batch WHERE supplier_org_id <> 0) OR EXISTS (SELECT FROM sku WHERE worked_by <> 0);

-- name: sold_cards
-- Suppliers' cards that orders of a lane, placed in a range of ids, keep; and what they cost.
SELECT b.supplier_org_id AS org_id, c.sku_id, count(*)::int AS cards, coalesce(sum(b.each_e4), 0)::bigint AS cost_e4,
       count(*) FILTER (WHERE b.each_e4 IS NULL)::int AS uncosted
FROM orders o CROSS JOIN LATERAL unnest(o.card_ids) AS k (card_id)
JOIN card c ON c.lane = $1::smallint AND c.card_id = k.card_id AND c.state = 'sold'
JOIN (SELECT batch_id, supplier_org_id, coalesce(cost_e4, paid_e4 / nullif(loaded, 0)) AS each_e4 FROM card_batch) AS b
  ON b.batch_id = c.batch_id AND b.supplier_org_id <> 0
WHERE o.lane = $1::smallint AND o.order_id >= $2 AND o.order_id < $3 AND o.card_ids <> '{}'
GROUP BY 1, 2;

-- name: returned_cards
-- Suppliers' cards that were taken back from such orders: paid back, or replaced by others.
SELECT b.supplier_org_id AS org_id, c.sku_id, count(*) FILTER (WHERE o.refunded_e4 > 0)::int AS refunded,
       count(*) FILTER (WHERE o.refunded_e4 = 0)::int AS replaced
FROM card c JOIN orders o ON o.lane = $1::smallint AND o.order_id = c.order_id
JOIN card_batch b ON b.batch_id = c.batch_id AND b.supplier_org_id <> 0
WHERE c.lane = $1::smallint AND c.state = 'quarantined' AND c.order_id >= $2 AND c.order_id < $3
GROUP BY 1, 2;

-- name: worked_tasks
-- What suppliers made of such orders that are worked by hand: their tasks, and how long each answer took.
SELECT t.worker_org_id AS org_id, t.sku_id,
       count(*) FILTER (WHERE t.state = 'answered' AND t.taker_org_id = t.worker_org_id)::int AS answered,
       count(*) FILTER (WHERE t.state = 'answered' AND t.taker_org_id = t.worker_org_id AND o.refunded_e4 > 0)::int
         AS refunded,
       count(*) FILTER (WHERE t.state = 'refused' AND t.taker_org_id = t.worker_org_id)::int AS declined,
       count(*) FILTER (WHERE t.is_overdue OR t.state IN ('open', 'taken') AND t.due_at <= $4::timestamptz)::int
         AS overdue,
       coalesce(sum(t.quantity) FILTER (
         WHERE t.state = 'answered' AND t.taker_org_id = t.worker_org_id AND o.refunded_e4 = 0), 0)::int AS pieces,
       (coalesce(array_agg(extract(epoch FROM t.ended_at - t.opened_at)::int) FILTER (
         WHERE t.state = 'answered' AND t.taker_org_id = t.worker_org_id), '{}'))[:2000] AS waits_s
FROM manual_task t JOIN orders o ON o.lane = t.lane AND o.order_id = t.order_id
WHERE t.lane = $1::smallint AND t.order_id >= $2 AND t.order_id < $3 AND t.worker_org_id <> 0
GROUP BY 1, 2;

-- name: forget_day
-- What was measured of a day, before it is measured anew.
DELETE FROM supplier_day WHERE day = $1;

-- name: insert_day
-- What was measured of a day.
INSERT INTO supplier_day (org_id, sku_id, day, delivered, refunded, replaced, declined, overdue, owed_e4, uncosted, waits_s)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::int[]);

-- name: has_days
-- Whether anything was measured yet.
SELECT EXISTS (SELECT FROM supplier_day);

-- name: days_of
-- What was measured of a supplier's goods in a range of days.
SELECT org_id, sku_id, day, delivered, refunded, replaced, declined, overdue, owed_e4, uncosted, waits_s
FROM supplier_day WHERE org_id = $1 AND day >= $2 AND day <= $3 ORDER BY day DESC, sku_id LIMIT $4::int;
