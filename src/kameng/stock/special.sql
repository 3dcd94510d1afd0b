-- name: goods_of
-- What a load has to know of a SKU; nothing, if there is none.
SELECT s.kind = 'link' AS is_link, s.pickable, p.brand_id
FROM sku s JOIN product p USING (product_id) WHERE s.sku_id = $1;

-- name: insert_reusable
-- Cards that may be sold several times, none of whose uses is issued yet.
INSERT INTO reusable_card (lane, original_id, sku_id, batch_id, sealed, expires_on, uses)
SELECT $1::smallint, c.original_id, $2::bigint, $3::bigint, c.sealed, c.expires_on, $4::int
FROM unnest($5::bigint[], $6::bytea[], $7::date[]) AS c (original_id, sealed, expires_on);

-- name: uses_left
-- Reusable cards of a SKU (any, where it is null) of which more uses may be issued, the earliest expiry first; of those
-- without a limit one a SKU.
(SELECT original_id, sku_id, uses, issued FROM reusable_card
 WHERE lane = ANY ($1::smallint[]) AND ($2::bigint IS NULL OR sku_id = $2) AND state = 'active'
   AND issued < uses AND expires_on >= $3::date
 ORDER BY expires_on, original_id LIMIT $4::int)
UNION ALL
(SELECT DISTINCT ON (sku_id) original_id, sku_id, uses, issued FROM reusable_card
 WHERE lane = ANY ($1::smallint[]) AND ($2::bigint IS NULL OR sku_id = $2) AND state = 'active'
   AND uses IS NULL AND expires_on >= $3::date
 ORDER BY sku_id, expires_on, original_id);

-- name: read_reusable
-- Reusable cards of a lane, to issue uses of them; the caller holds the gate.
SELECT original_id, sku_id, batch_id, sealed, expires_on, uses, issued FROM reusable_card
WHERE lane = $1::smallint AND original_id = ANY ($2::bigint[]) AND state = 'active' ORDER BY expires_on, original_id;

-- name: count_issued
-- Counts uses that were issued.
UPDATE reusable_card r SET issued = r.issued + n.count FROM unnest($2::bigint[], $3::int[]) AS n (original_id, count)
WHERE r.lane = $1::smallint AND r.original_id = n.original_id;

-- name: reusable_under_other_keys
-- Reusable cards not sealed with the current key of the ring, for re-sealing, from an id on.
SELECT original_id, sealed FROM reusable_card
WHERE lane = $1::smallint AND original_id > $2 AND get_byte(sealed, 1) * 256 + get_byte(sealed, 2) <> $3::int
ORDER BY original_id LIMIT $4::int;

-- name: reseal_reusable
-- Puts re-sealed cards in place of what was read.
UPDATE reusable_card c SET sealed = s.sealed
FROM unnest($2::bigint[], $3::bytea[], $4::bytea[]) AS s (original_id, sealed, old)
WHERE c.lane = $1::smallint AND c.original_id = s.original_id AND c.sealed = s.old;

-- name: read_shelf_beside
-- As read_shelf, for one SKU and without the uses of some reusable cards: a replacement is another card.
SELECT card_id, sku_id, expires_on, sealed FROM card
WHERE lane = $1::smallint AND sku_id = $2 AND state = 'on_shelf' AND expires_on >= $4::date
  AND (original_id IS NULL OR original_id <> ALL ($5::bigint[]))
ORDER BY expires_on, card_id LIMIT $3::int;

-- name: originals_of
-- The reusable cards that some cards are uses of.
SELECT DISTINCT original_id FROM card
WHERE lane = $1::smallint AND card_id = ANY ($2::bigint[]) AND original_id IS NOT NULL;

-- name: widen_batches
-- Between which ids the cards of batches lie, now that these came.
UPDATE card_batch b
SET first_card_id = least(b.first_card_id, c.first_id), last_card_id = greatest(b.last_card_id, c.last_id)
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS c (batch_id, first_id, last_id) WHERE b.batch_id = c.batch_id;

-- name: list_displayed
-- Cards of a SKU that may be chosen now, by their id.
SELECT card_id, label, pick_fee_e4, expires_on FROM card
WHERE lane = ANY ($1::smallint[]) AND sku_id = $2 AND state = 'on_display' AND card_id > $3 AND expires_on >= $4::date
ORDER BY card_id LIMIT $5::int;

-- name: find_displayed
-- Cards that bear a label, whatever became of them: where each lies, and what choosing it costs.
SELECT card_id, sku_id, lane, pick_fee_e4, state = 'on_display' AND expires_on >= $3::date AS is_free FROM card
WHERE lane = ANY ($1::smallint[]) AND card_id = ANY ($2::bigint[]) AND label IS NOT NULL;

-- name: read_displayed
-- Cards on display by their id; the caller holds the gate.
SELECT card_id, sku_id, expires_on, sealed FROM card
WHERE lane = $1::smallint AND card_id = ANY ($2::bigint[]) AND state = 'on_display' AND expires_on >= $3::date;

-- name: tie_displayed
-- Ties cards that were chosen to their one order, sold or reserved; returns how many were still on display.
WITH tied AS (
  UPDATE card c SET order_id = s.order_id, state = $4
  FROM unnest($2::bigint[], $3::bigint[]) AS s (card_id, order_id)
  WHERE c.lane = $1::smallint AND c.card_id = s.card_id AND c.state = 'on_display'
  RETURNING 1
)
SELECT count(*) FROM tied;

-- name: take_displayed_away
-- Takes one card on display out of a lane; both gates are held.
DELETE FROM card WHERE lane = $1::smallint AND card_id = $2 AND state = 'on_display'
RETURNING card_id, sku_id, batch_id, sealed, expires_on, original_id, label, pick_fee_e4;

-- name: quarantine_displayed
-- Takes cards that do not open off the display, for a person to look at.
UPDATE card SET state = 'quarantined'
WHERE lane = $1::smallint AND card_id = ANY ($2::bigint[]) AND state = 'on_display';

-- name: void_displayed
-- Takes cards off the display whose last day is over.
WITH gone AS (
  UPDATE card SET state = 'void' WHERE lane = $1::smallint AND card_id IN (
    SELECT card_id FROM card
    WHERE lane = $1::smallint AND state = 'on_display' AND expires_on < $2::date LIMIT $3::int)
  RETURNING 1
)
SELECT count(*) FROM gone;

-- name: batch_range
-- A batch: of whom, for what, and between which ids its cards lie.
SELECT batch_id, sku_id, supplier_org_id, coalesce(first_card_id, 0) AS first_id,
       coalesce(last_card_id, 9223372036854775807) AS last_id
FROM card_batch WHERE batch_id = $1;

-- name: stock_of_batches
-- A supplier's batches below the cursor (of one SKU, where it is not null), newest first, and what became of the cards.
SELECT b.batch_id, b.sku_id, b.file_name, b.loaded_at, c.on_shelf, c.reserved, c.sold, c.quarantined, c.voided,
       b.expires_on
FROM (
  SELECT batch_id, sku_id, file_name, loaded_at, expires_on, coalesce(first_card_id, 0) AS first_id,
         coalesce(last_card_id, 9223372036854775807) AS last_id
  FROM card_batch
  WHERE supplier_org_id = $2 AND supplier_org_id <> 0 AND batch_id < $3 AND ($4::bigint IS NULL OR sku_id = $4)
  ORDER BY batch_id DESC LIMIT $5::int
) AS b CROSS JOIN LATERAL (
  SELECT count(*) FILTER (WHERE state IN ('on_shelf', 'on_display')) AS on_shelf,
         count(*) FILTER (WHERE state = 'reserved') AS reserved, count(*) FILTER (WHERE state = 'sold') AS sold,
         count(*) FILTER (WHERE state = 'quarantined') AS quarantined, count(*) FILTER (WHERE state = 'void') AS voided
  FROM card
  WHERE lane = ANY ($1::smallint[]) AND card_id BETWEEN b.first_id AND b.last_id AND batch_id = b.batch_id
) AS c ORDER BY b.batch_id DESC;

-- name: cards_by_number
-- The cards that bear these numbers (as prints), with all uses of those that are reusable, and whose they are.
SELECT f.number_print, f.card_id AS known_id, c.card_id, c.lane, c.sku_id, c.state, c.order_id, b.supplier_org_id
FROM card_fingerprint f CROSS JOIN LATERAL (
  SELECT card_id, lane, sku_id, state, order_id, batch_id FROM card
  WHERE lane = ANY ($1::smallint[]) AND card_id = f.card_id
  UNION ALL
  SELECT card_id, lane, sku_id, state, order_id, batch_id FROM card
  WHERE lane = ANY ($1::smallint[]) AND original_id = f.card_id
) AS c JOIN card_batch b ON b.batch_id = c.batch_id
WHERE f.number_print = ANY ($2::bytea[]) AND f.number_print <> '';

-- name: cards_of_batch
-- What may be void of a batch, where it lies: unsold, up to a limit.
SELECT card_id, lane FROM card
WHERE lane = ANY ($1::smallint[]) AND card_id BETWEEN $2 AND $3 AND batch_id = $4
  AND (state IN ('on_shelf', 'on_display') OR state = 'quarantined' AND order_id IS NULL)
ORDER BY card_id LIMIT $5::int;

-- name: states_of_batch
-- How many cards of a batch are in which state; those in quarantine, whether they have an order.
SELECT state, order_id IS NULL AS is_unsold, count(*) AS cards FROM card
WHERE lane = ANY ($1::smallint[]) AND card_id BETWEEN $2 AND $3 AND batch_id = $4 GROUP BY 1, 2;

-- name: void_cards
-- Takes unsold cards off for good, counted; returns how many there were.
WITH gone AS (
  UPDATE card c SET state = 'void' FROM (
    SELECT card_id, state AS was FROM card WHERE lane = $1::smallint AND card_id = ANY ($2::bigint[])
  ) AS lay
  WHERE c.lane = $1::smallint AND c.card_id = lay.card_id AND c.order_id IS NULL AND c.state <> 'void'
  RETURNING c.sku_id, lay.was
), counted AS (
  UPDATE allotment a SET on_hand = a.on_hand - n.count
  FROM (SELECT sku_id, count(*)::int AS count FROM gone WHERE was = 'on_shelf' GROUP BY sku_id) AS n
  WHERE a.lane = $1::smallint AND a.sku_id = n.sku_id
)
SELECT count(*) FROM gone;

-- name: void_reusable
-- No more uses are issued of these, named by themselves or by their batch; returns how many there were.
WITH gone AS (
  UPDATE reusable_card SET state = 'void'
  WHERE lane = $1::smallint AND state = 'active' AND (original_id = ANY ($2::bigint[]) OR batch_id = $3)
  RETURNING 1
)
SELECT count(*) FROM gone;

-- name: all_brands
-- Every brand: within one, a card number stands once.
SELECT brand_id FROM brand ORDER BY brand_id LIMIT $1::int;

-- name: cards_by_fingerprint
-- The cards that are known by these fingerprints, and whose they are.
SELECT f.number_print, f.card_id AS known_id, c.card_id, c.lane, c.sku_id, c.state, c.order_id, b.supplier_org_id
FROM card_fingerprint f JOIN card c ON c.lane = ANY ($1::smallint[]) AND c.card_id = f.card_id
JOIN card_batch b ON b.batch_id = c.batch_id
WHERE f.fingerprint = ANY ($2::bytea[]);

-- name: shelves_of
-- A SKU's cards on the shelf of each lane.
SELECT lane, on_hand FROM allotment WHERE sku_id = $1 ORDER BY lane;

-- name: thresholds
-- Every SKU that may be low, and below how many cards it is.
SELECT sku_id, low_at FROM stock_threshold ORDER BY sku_id;

-- name: batches_below
-- Batches of cards below the cursor, newest first; of one SKU, where it is not NULL.
SELECT batch_id, sku_id, supplier_org_id, file_name, cost_e4, expires_on, loaded, refused, loaded_by, loaded_at
FROM card_batch WHERE batch_id < $1 AND ($2::bigint IS NULL OR sku_id = $2) ORDER BY batch_id DESC LIMIT $3::int;
