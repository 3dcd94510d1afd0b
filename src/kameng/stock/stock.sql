-- name: insert_batch
-- One load of cards, before the first of them is on a shelf.
INSERT INTO card_batch (batch_id, sku_id, supplier_org_id, file_name, loaded, refused, loaded_by, loaded_at)
VALUES ($1, $2, $3, $4, 0, $5, $6, $7);

-- name: count_batch
-- What came of a part of a load: what was paid for its cards, what each cost if all cost the same, and the
-- earliest of their last days.
UPDATE card_batch
SET loaded = loaded + $2::int, refused = refused + $3::int,
    paid_e4 = CASE WHEN $2::int = 0 THEN paid_e4 WHEN loaded = 0 THEN $4::bigint ELSE paid_e4 + $4::bigint END,
    cost_e4 = CASE WHEN $2::int = 0 THEN cost_e4 WHEN loaded = 0 OR cost_e4 = $5::bigint THEN $5::bigint END,
    expires_on = least(expires_on, $6::date),
    first_card_id = least(first_card_id, $7::bigint), last_card_id = greatest(last_card_id, $8::bigint),
    hosts = (SELECT coalesce(array_agg(DISTINCT h ORDER BY h), '{}') FROM unnest(hosts || $9::text[]) AS h)
WHERE batch_id = $1;

-- name: is_supplier
-- Whether cards may come from this organisation: a supplier at work, and not its sandbox.
SELECT EXISTS (
  SELECT FROM organisation
  WHERE lane = $1::smallint AND org_id = $2 AND kind = 'supplier' AND state = 'active' AND sandbox_of IS NULL);

-- name: claim_fingerprints
-- Claims cards that were never loaded before, by what they are and by their number; returns the new ones.
-- They come sorted.
INSERT INTO card_fingerprint (fingerprint, card_id, number_print)
SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::bytea[]) ON CONFLICT DO NOTHING RETURNING card_id;

-- name: known_fingerprints
-- Which of these stand for a card.
SELECT fingerprint FROM card_fingerprint WHERE fingerprint = ANY ($1::bytea[]);

-- name: known_cards
-- Which of these stand for a card, or have the number of one: their places, and whether it is the very same card.
SELECT c.place::int, f.fingerprint IS NOT NULL AS is_same
FROM unnest($1::bytea[], $2::bytea[]) WITH ORDINALITY AS c (fingerprint, number_print, place)
LEFT JOIN card_fingerprint f ON f.fingerprint = c.fingerprint
WHERE f.fingerprint IS NOT NULL OR c.number_print <> '' AND EXISTS (
  SELECT FROM card_fingerprint n WHERE n.number_print <> '' AND n.number_print = c.number_print)
ORDER BY c.place;

-- name: brands_of
-- The brand of each SKU: within one, a card number stands once.
SELECT s.sku_id, p.brand_id FROM sku s JOIN product p USING (product_id) WHERE s.sku_id = ANY ($1::bigint[]);

-- name: unread_cards
-- Cards from an id on whose number nobody has read yet, sealed as they lie in any lane.
SELECT f.card_id, p.brand_id, c.sealed
FROM (
  SELECT card_id FROM card_fingerprint WHERE number_print IS NULL AND card_id > $2 ORDER BY card_id LIMIT $3::int
) AS f
LEFT JOIN card c ON c.lane = ANY ($1::smallint[]) AND c.card_id = f.card_id
LEFT JOIN sku s ON s.sku_id = c.sku_id LEFT JOIN product p ON p.product_id = s.product_id
ORDER BY f.card_id;

-- name: put_number_prints
-- Notes numbers that were read; of two cards with one number, the second gets none.
WITH read AS (
  SELECT card_id, print, row_number() OVER (PARTITION BY print ORDER BY card_id) AS n
  FROM unnest($1::bigint[], $2::bytea[]) AS r (card_id, print)
)
UPDATE card_fingerprint f
SET number_print = CASE
  WHEN r.n = 1 AND NOT EXISTS (SELECT FROM card_fingerprint k WHERE k.number_print <> '' AND k.number_print = r.print)
  THEN r.print ELSE '' END
FROM read r WHERE f.card_id = r.card_id AND f.number_print IS NULL;

-- name: insert_cards
-- Puts cards on the shelf of a lane, or those with a label on display.
INSERT INTO card (lane, card_id, sku_id, batch_id, sealed, expires_on, original_id, label, pick_fee_e4, state)
SELECT $1::smallint, c.card_id, c.sku_id, c.batch_id, c.sealed, c.expires_on, c.original_id, c.label, c.pick_fee_e4,
       CASE WHEN c.label IS NULL THEN 'on_shelf' ELSE 'on_display' END
FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bytea[], $6::date[], $7::bigint[], $8::text[], $9::bigint[])
  AS c (card_id, sku_id, batch_id, sealed, expires_on, original_id, label, pick_fee_e4);

-- name: take_on_hand
-- Counts cards off a lane's shelf that left it otherwise than by sale.
UPDATE allotment SET on_hand = on_hand - $3::int WHERE lane = $1::smallint AND sku_id = $2;

-- name: add_on_hand
-- Counts cards that came to a lane's shelf.
INSERT INTO allotment (lane, sku_id, on_hand) VALUES ($1::smallint, $2, $3)
ON CONFLICT (lane, sku_id) DO UPDATE SET on_hand = allotment.on_hand + excluded.on_hand;

-- name: read_shelf
-- So many cards of each SKU, earliest expiry first, on their last day too; the caller holds the gate.
SELECT c.card_id, c.sku_id, c.expires_on, c.sealed
FROM unnest($2::bigint[], $3::int[]) AS w (sku_id, need)
CROSS JOIN LATERAL (
  SELECT card_id, sku_id, expires_on, sealed FROM card
  WHERE lane = $1::smallint AND sku_id = w.sku_id AND state = 'on_shelf' AND expires_on >= $4::date
  ORDER BY expires_on, card_id LIMIT w.need
) AS c;

-- name: read_on_hand
-- How many cards of these SKUs lie in the lane.
SELECT sku_id, on_hand FROM allotment WHERE lane = $1::smallint AND sku_id = ANY($2::bigint[]);

-- name: tie_cards
-- Ties cards to their one order, sold or reserved, and counts them off; returns how many were still on the shelf.
-- The state is asked for in words that no index is made of: else a planner that has not counted the cards yet may walk
-- the whole shelf of the lane to find these few, which took 15 ms of 20 with 28,000 cards there.
WITH sold AS (
  UPDATE card c SET order_id = s.order_id, state = $6
  FROM unnest($2::bigint[], $3::bigint[]) AS s (card_id, order_id)
  WHERE c.lane = $1::smallint AND c.card_id = s.card_id AND c.state || '' = 'on_shelf'
  RETURNING 1
), counted AS (
  UPDATE allotment a SET on_hand = a.on_hand - n.count
  FROM unnest($4::bigint[], $5::int[]) AS n (sku_id, count)
  WHERE a.lane = $1::smallint AND a.sku_id = n.sku_id
)
SELECT count(*) FROM sold;

-- name: quarantine_cards
-- Takes cards that do not open off the shelf, for a person to look at.
UPDATE card SET state = 'quarantined' WHERE lane = $1::smallint AND card_id = ANY($2::bigint[]) AND state = 'on_shelf'
RETURNING sku_id;

-- name: hand_over
-- Reserved cards are sold to the order that they waited for; returns how many were.
WITH sold AS (
  UPDATE card c SET state = 'sold' FROM unnest($2::bigint[], $3::bigint[]) AS s (card_id, order_id)
  WHERE c.lane = $1::smallint AND c.card_id = s.card_id AND c.order_id = s.order_id AND c.state = 'reserved'
  RETURNING 1
)
SELECT count(*) FROM sold;

-- name: free_cards
-- Reserved cards come back to the shelf, counted, or to the display; returns how many did.
WITH freed AS (
  UPDATE card SET state = CASE WHEN label IS NULL THEN 'on_shelf' ELSE 'on_display' END, order_id = NULL
  WHERE lane = $1::smallint AND card_id = ANY($2::bigint[]) AND state = 'reserved'
  RETURNING sku_id, label
), counted AS (
  UPDATE allotment a SET on_hand = a.on_hand + n.count
  FROM (SELECT sku_id, count(*)::int AS count FROM freed WHERE label IS NULL GROUP BY sku_id) n
  WHERE a.lane = $1::smallint AND a.sku_id = n.sku_id
)
SELECT count(*) FROM freed;

-- name: take_back
-- Sold cards go into quarantine and keep their order: nobody sees them, nobody gets them.
UPDATE card SET state = 'quarantined' WHERE lane = $1::smallint AND card_id = ANY($2::bigint[]) AND state = 'sold';

-- name: cards_of
-- Sealed cards by id, as an order keeps them.
SELECT card_id, sealed, expires_on, state, order_id FROM card
WHERE lane = $1::smallint AND card_id = ANY($2::bigint[]);

-- name: donors
-- Lanes that have cards of a SKU, the fullest first.
SELECT lane, on_hand FROM allotment WHERE sku_id = $1 AND lane <> $2::smallint AND on_hand > 0 ORDER BY on_hand DESC;

-- name: take_away
-- Takes cards out of a donor lane; both gates are held.
DELETE FROM card WHERE lane = $1::smallint AND card_id IN (
  SELECT card_id FROM card
  WHERE lane = $1::smallint AND sku_id = $2 AND state = 'on_shelf' AND expires_on >= $4::date
  ORDER BY expires_on, card_id LIMIT $3::int)
RETURNING card_id, sku_id, batch_id, sealed, expires_on, original_id, label, pick_fee_e4;

-- name: on_hand_everywhere
-- Cards on the shelves of all lanes, by SKU.
SELECT sku_id, sum(on_hand)::bigint AS on_hand FROM allotment GROUP BY sku_id;

-- name: shares_here
-- Of one SKU in a lane: what lies on its shelf, and what waits for a payment; the caller holds the gate.
SELECT (SELECT coalesce(sum(on_hand), 0)::bigint FROM allotment WHERE lane = $1::smallint AND sku_id = $2) AS on_hand,
       (SELECT count(*) FROM card WHERE lane = $1::smallint AND sku_id = $2 AND state = 'reserved') AS reserved;

-- name: shares_elsewhere
-- The same of all other lanes.
SELECT (SELECT coalesce(sum(on_hand), 0)::bigint FROM allotment WHERE lane <> $1::smallint AND sku_id = $2) AS on_hand,
       (SELECT count(*) FROM card WHERE lane <> $1::smallint AND sku_id = $2 AND state = 'reserved') AS reserved;

-- name: void_expired
-- Takes cards off the shelf whose last day is over.
WITH gone AS (
  UPDATE card SET state = 'void' WHERE lane = $1::smallint AND card_id IN (
    SELECT card_id FROM card WHERE lane = $1::smallint AND state = 'on_shelf' AND expires_on < $2::date LIMIT $3::int)
  RETURNING sku_id
), counted AS (
  UPDATE allotment a SET on_hand = a.on_hand - n.count
  FROM (SELECT sku_id, count(*)::int AS count FROM gone GROUP BY sku_id) n
  WHERE a.lane = $1::smallint AND a.sku_id = n.sku_id
)
SELECT count(*) FROM gone;

-- name: cards_under_other_keys
-- Cards not sealed with the current key of the ring, for re-sealing, from a card id on.
SELECT card_id, sealed FROM card
WHERE lane = $1::smallint AND card_id > $2 AND get_byte(sealed, 1) * 256 + get_byte(sealed, 2) <> $3::int
ORDER BY card_id LIMIT $4::int;

-- name: reseal_cards
-- Puts re-sealed cards in place of what was read.
UPDATE card c SET sealed = s.sealed FROM unnest($2::bigint[], $3::bytea[], $4::bytea[]) AS s (card_id, sealed, old)
WHERE c.lane = $1::smallint AND c.card_id = s.card_id AND c.sealed = s.old;

-- name: set_low_stock
-- Below how many cards a SKU is low; nothing, if there is no such SKU.
INSERT INTO stock_threshold (sku_id, low_at) SELECT sku_id, $2::int FROM sku WHERE sku_id = $1
ON CONFLICT (sku_id) DO UPDATE SET low_at = excluded.low_at RETURNING sku_id;

-- name: remove_low_stock
-- A SKU that is never low.
DELETE FROM stock_threshold WHERE sku_id = $1;

-- name: forget_stock_alerts
-- What was told of a SKU in a lane is forgotten.
DELETE FROM stock_alert WHERE lane = $1::smallint AND sku_id = $2;

-- name: watched_stock
-- Who is to be told of each SKU with a threshold: the platform, in the lane $1, and suppliers that loaded its cards.
WITH watched AS (
  SELECT t.sku_id, t.low_at, coalesce((
    SELECT sum(a.on_hand) FROM lane l JOIN allotment a ON a.lane = l.lane AND a.sku_id = t.sku_id), 0)::bigint AS on_hand
  FROM stock_threshold t
), told AS (
  SELECT $1::smallint AS lane, 0::bigint AS org_id, sku_id, false AS wants_events FROM watched
  UNION ALL
  SELECT g.lane, g.org_id, b.sku_id, g.wants_events
  FROM (SELECT DISTINCT sku_id, supplier_org_id FROM card_batch WHERE supplier_org_id <> 0) AS b
  JOIN organisation g ON g.lane = (b.supplier_org_id >> 12 & 1023)::smallint AND g.org_id = b.supplier_org_id
  WHERE g.state = 'active'
)
SELECT told.lane, told.org_id, w.sku_id, w.on_hand, w.low_at, coalesce(s.is_low, false) AS was_low, told.wants_events
FROM watched w JOIN told USING (sku_id)
LEFT JOIN stock_alert s ON s.lane = told.lane AND s.org_id = told.org_id AND s.sku_id = w.sku_id
ORDER BY told.lane, told.org_id, w.sku_id;

-- name: mark_stock_alerts
-- What was told to whom.
INSERT INTO stock_alert (lane, org_id, sku_id, is_low)
SELECT $1::smallint, m.org_id, m.sku_id, m.is_low FROM unnest($2::bigint[], $3::bigint[], $4::bool[])
  AS m (org_id, sku_id, is_low)
ON CONFLICT (lane, org_id, sku_id) DO UPDATE SET is_low = excluded.is_low;

-- name: supplied
-- What came of all batches of a supplier, by SKU.
SELECT sku_id, count(*)::int AS batches, sum(loaded)::bigint AS loaded, sum(refused)::bigint AS refused,
       max(loaded_at) AS last_at
FROM card_batch WHERE supplier_org_id = $1 AND supplier_org_id <> 0 GROUP BY sku_id ORDER BY sku_id;

-- name: batches_of
-- A supplier's batches below the cursor, newest first.
SELECT batch_id, sku_id, file_name, loaded, refused, paid_e4, expires_on, loaded_at, hosts
FROM card_batch WHERE supplier_org_id = $1 AND supplier_org_id <> 0 AND batch_id < $2
ORDER BY batch_id DESC LIMIT $3::int;
