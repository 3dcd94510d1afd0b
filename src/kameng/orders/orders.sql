-- name: read_refs
-- Which of these references stand, and for what; the caller holds the gate.
SELECT ref_key, digest, order_id FROM order_ref WHERE lane = $1::smallint AND ref_key = ANY($2::bytea[]);

-- name: read_orders
-- Orders by id. The organisation is part of the question: nobody reads another's.
SELECT order_id, org_id, sku_id, sku_revision, quantity, unit_price_e4, total_e4, state, sequence, client_ref, trace,
       card_ids, placed_at, refunded_e4, confirm_until, account
FROM orders WHERE lane = $1::smallint AND order_id = ANY($2::bigint[]) AND org_id = ANY($3::bigint[]);

-- name: list_orders
-- An organisation's orders below the cursor, newest first.
SELECT order_id, org_id, sku_id, sku_revision, quantity, unit_price_e4, total_e4, state, sequence, client_ref, trace,
       card_ids, placed_at, refunded_e4, confirm_until, account
FROM orders
WHERE lane = $1::smallint AND org_id = $2 AND order_id < $3 AND ($5::text IS NULL OR state = $5)
ORDER BY order_id DESC LIMIT $4::int;

-- name: orders_of_shop
-- What some buyers of a lane bought from an agent ($4), below the cursor, newest first: those that he sold, whoever
-- sells to them by now.
SELECT o.* FROM unnest($2::bigint[]) AS b (org_id)
CROSS JOIN LATERAL (
  SELECT order_id, org_id, sku_id, quantity, unit_price_e4, total_e4, refunded_e4,
         (split #>> '{margins,-1,1}')::bigint AS margin_e4, state, placed_at, split
  FROM orders
  WHERE lane = $1::smallint AND orders.org_id = b.org_id AND order_id < $3
    AND (split #>> '{margins,-1,0}')::bigint = $4
  ORDER BY order_id DESC LIMIT $5::int
) AS o ORDER BY o.order_id DESC LIMIT $5::int;

-- name: orders_sold
-- What an agent ($2) sold in a lane, below the cursor, newest first, whoever sells to its buyers by now.
SELECT order_id, org_id, sku_id, quantity, unit_price_e4, total_e4, refunded_e4,
       (split #>> '{margins,-1,1}')::bigint AS margin_e4, state, placed_at, split
FROM orders
WHERE lane = $1::smallint AND (split #>> '{margins,-1,0}')::bigint = $2 AND order_id < $3 AND split IS NOT NULL
ORDER BY order_id DESC LIMIT $4::int;

-- name: order_sold
-- One order of a lane, if this agent ($3) sold it.
SELECT order_id, org_id, sku_id, quantity, unit_price_e4, total_e4, refunded_e4,
       (split #>> '{margins,-1,1}')::bigint AS margin_e4, state, placed_at, split
FROM orders WHERE lane = $1::smallint AND order_id = $2 AND (split #>> '{margins,-1,0}')::bigint = $3;

-- name: accounts_under_other_keys
-- Sealed accounts not under the current key of the ring, for re-sealing, from an order id on.
SELECT order_id, account FROM orders
WHERE lane = $1::smallint AND order_id > $2 AND account IS NOT NULL
  AND get_byte(account, 1) * 256 + get_byte(account, 2) <> $3::int
ORDER BY order_id LIMIT $4::int;

-- name: reseal_accounts
-- Puts re-sealed accounts in place of what was read.
UPDATE orders o SET account = s.sealed FROM unnest($2::bigint[], $3::bytea[], $4::bytea[]) AS s (order_id, sealed, old)
WHERE o.lane = $1::smallint AND o.order_id = s.order_id AND o.account = s.old;

-- name: read_standing
-- Orders as commands find them, with what is known of their buyer, their payment, and whether a worker is at them.
SELECT o.order_id, o.org_id, o.sku_id, o.sku_revision, o.quantity, o.total_e4, o.cost_e4, o.state, o.sequence,
       o.refunded_e4, o.card_ids, o.confirm_until, o.placed_at, o.split, g.currency, g.wants_events,
       g.sandbox_of IS NOT NULL AS is_sandbox,
       EXISTS (SELECT FROM job j WHERE j.lane = $1::smallint AND j.subject_id = o.order_id
               AND j.state IN ('leased', 'sending')) AS is_begun,
       p.expires_at, p.contact IS NOT NULL AS is_guest, p.chosen_card, p.payment_id,
       coalesce(p.needs_review, false) AS needs_review
FROM orders o JOIN organisation g ON g.lane = $1::smallint AND g.org_id = o.org_id
LEFT JOIN order_payment p ON p.lane = $1::smallint AND p.order_id = o.order_id
WHERE o.lane = $1::smallint AND o.order_id = ANY($2::bigint[]);

-- name: read_commands
-- Which of these commands stand, and what each led to.
SELECT c.order_id, c.key, c.digest, c.state, c.sequence, c.refunded_e4 FROM order_command c
JOIN unnest($2::bigint[], $3::text[]) AS w (order_id, key) ON w.order_id = c.order_id AND w.key = c.key
WHERE c.lane = $1::smallint;

-- name: insert_commands
-- Commands that took effect; the key refuses a second time.
INSERT INTO order_command (lane, order_id, key, digest, command, state, sequence, refunded_e4, at)
SELECT $1::smallint, c.order_id, c.key, c.digest, c.command, c.state, c.sequence, c.refunded_e4, $2::timestamptz
FROM unnest($3::bigint[], $4::text[], $5::bytea[], $6::text[], $7::text[], $8::int[], $9::bigint[])
  AS c (order_id, key, digest, command, state, sequence, refunded_e4);

-- name: set_standing
-- Puts orders where their commands led them.
UPDATE orders o
SET state = c.state, sequence = c.sequence, refunded_e4 = c.refunded_e4, cost_e4 = c.cost_e4,
    confirm_until = c.confirm_until
FROM unnest($2::bigint[], $3::text[], $4::int[], $5::bigint[], $6::bigint[], $7::timestamptz[])
  AS c (order_id, state, sequence, refunded_e4, cost_e4, confirm_until)
WHERE o.lane = $1::smallint AND o.order_id = c.order_id;

-- name: set_cards
-- Puts the cards of orders in place, each order's in the order given; one that is named without any has none.
UPDATE orders o
SET card_ids = coalesce((
  SELECT array_agg(c.card_id ORDER BY c.n)
  FROM unnest($3::bigint[], $4::bigint[]) WITH ORDINALITY AS c (order_id, card_id, n) WHERE c.order_id = o.order_id
), '{}')
WHERE o.lane = $1::smallint AND o.order_id = ANY($2::bigint[]);

-- name: await_confirmation
-- The money of these delivered orders rests in escrow till then.
UPDATE orders o SET confirm_until = c.until FROM unnest($2::bigint[], $3::timestamptz[]) AS c (order_id, until)
WHERE o.lane = $1::smallint AND o.order_id = c.order_id;

-- name: close_payments
-- These orders await no payment any more.
UPDATE order_payment SET is_open = false WHERE lane = $1::smallint AND order_id = ANY($2::bigint[]) AND is_open;

-- name: set_payments
-- The payments that paid these orders, which await none any more.
UPDATE order_payment p SET payment_id = c.payment_id, is_open = false
FROM unnest($2::bigint[], $3::bigint[]) AS c (order_id, payment_id)
WHERE p.lane = $1::smallint AND p.order_id = c.order_id;

-- name: claim_references
-- Ties what channels told of payments to an order each, if nobody did before; those that it tied. They come sorted.
INSERT INTO payment_reference (reference, order_id)
SELECT * FROM unnest($1::text[], $2::bigint[]) ON CONFLICT DO NOTHING
RETURNING reference, order_id;

-- name: read_references
-- The order that each payment belongs to.
SELECT reference, order_id FROM payment_reference WHERE reference = ANY($1::text[]);

-- name: open_returns
-- What waits on the desk, or will, to be returned to an order's guest.
SELECT payload FROM job WHERE lane = $1::smallint AND subject_id = $2 AND kind = $3 AND state IN ('waiting', 'dead');

-- name: claim_return
-- Ties the reference of a return to what was returned, if nobody did before.
INSERT INTO payment_return (reference, order_id, amount_e4) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
RETURNING order_id;

-- name: read_return
-- What was returned under a reference.
SELECT order_id, amount_e4 FROM payment_return WHERE reference = $1;

-- name: count_unpaid
-- How many orders of this lane await payment from each of these addresses, and of each of these buyers.
SELECT ip_key AS key, count(*) AS orders FROM order_payment
WHERE lane = $1::smallint AND ip_key = ANY($2::bytea[]) AND is_open GROUP BY ip_key
UNION ALL
SELECT buyer_key, count(*) FROM order_payment
WHERE lane = $1::smallint AND buyer_key = ANY($3::bytea[]) AND is_open GROUP BY buyer_key;

-- name: insert_payments
-- Orders begin to await their payment.
INSERT INTO order_payment (lane, order_id, expires_at, ip_key, buyer_key, contact, password_hash, language,
                           needs_review, chosen_card)
SELECT $1::smallint, * FROM unnest($2::bigint[], $3::timestamptz[], $4::bytea[], $5::bytea[], $6::bytea[], $7::text[],
                                   $8::text[], $9::boolean[], $10::bigint[]);

-- name: read_guesses
-- The query password of a guest's order, and how often it was guessed in vain.
SELECT password_hash, failures, asked_at FROM order_payment
WHERE lane = $1::smallint AND order_id = $2 AND password_hash IS NOT NULL;

-- name: count_guess
-- One more guess, before anybody looks whether it is right.
UPDATE order_payment SET failures = failures + 1, asked_at = $3 WHERE lane = $1::smallint AND order_id = $2;

-- name: forget_guesses
-- The right one.
UPDATE order_payment SET failures = 0, asked_at = NULL WHERE lane = $1::smallint AND order_id = $2;

-- name: read_contacts
-- Where guests of these orders are reached, sealed, and in what language.
SELECT p.order_id, o.org_id, p.contact, p.language FROM order_payment p
JOIN orders o ON o.lane = $1::smallint AND o.order_id = p.order_id
WHERE p.lane = $1::smallint AND p.order_id = ANY($2::bigint[]) AND p.contact IS NOT NULL;

-- name: contacts_under_other_keys
-- Sealed contacts of guests not under the current key of the ring, for re-sealing, from an order id on.
SELECT order_id, contact FROM order_payment
WHERE lane = $1::smallint AND order_id > $2 AND contact IS NOT NULL
  AND get_byte(contact, 1) * 256 + get_byte(contact, 2) <> $3::int
ORDER BY order_id LIMIT $4::int;

-- name: reseal_contacts
-- Puts re-sealed contacts in place of what was read.
UPDATE order_payment p SET contact = s.sealed
FROM unnest($2::bigint[], $3::bytea[], $4::bytea[]) AS s (order_id, sealed, old)
WHERE p.lane = $1::smallint AND p.order_id = s.order_id AND p.contact = s.old;

-- name: orders_to_archive
-- Orders between two ids that are final in one of the states $4, with nothing that waits for them: no job, no event
-- that is owed.
SELECT o.order_id FROM ONLY orders o
WHERE o.lane = $1::smallint AND o.order_id > $2 AND o.order_id < $3 AND o.state = ANY($4::text[])
  AND NOT EXISTS (SELECT FROM job j WHERE j.lane = $1::smallint AND j.subject_id = o.order_id)
  AND NOT EXISTS (SELECT FROM ONLY event e WHERE e.lane = $1::smallint AND e.subject_id = o.order_id AND e.due)
ORDER BY o.order_id LIMIT $5::int;

-- name: archive_orders
-- Moves these orders to the archive, with whatever columns they have.
WITH moved AS (
  DELETE FROM ONLY orders WHERE lane = $1::smallint AND order_id = ANY($2::bigint[]) RETURNING *
)
INSERT INTO archived_orders SELECT * FROM moved;

-- name: archive_events
-- Moves the events of these orders after them.
WITH moved AS (
  DELETE FROM ONLY event WHERE lane = $1::smallint AND subject_id = ANY($2::bigint[]) RETURNING *
)
INSERT INTO archived_event SELECT * FROM moved;

-- name: archived_ids
-- Archived orders of a lane, whichever come first.
SELECT order_id FROM archived_orders WHERE lane = $1::smallint ORDER BY order_id LIMIT $2::int;

-- name: bring_back_orders
-- Moves these orders back among those of today.
WITH moved AS (
  DELETE FROM archived_orders WHERE lane = $1::smallint AND order_id = ANY($2::bigint[]) RETURNING *
)
INSERT INTO orders SELECT * FROM moved;

-- name: bring_back_events
-- Moves the events of these orders back after them.
WITH moved AS (
  DELETE FROM archived_event WHERE lane = $1::smallint AND subject_id = ANY($2::bigint[]) RETURNING *
)
INSERT INTO event SELECT * FROM moved;

-- name: card_marks
-- When an organisation marked some cards as used.
SELECT card_id, used_at FROM card_mark WHERE lane = $1::smallint AND org_id = $2 AND card_id = ANY($3::bigint[]);

-- name: mark_card
-- A card is used.
INSERT INTO card_mark (lane, org_id, card_id, used_at) VALUES ($1::smallint, $2, $3, $4) ON CONFLICT DO NOTHING;

-- name: unmark_card
-- It is not.
DELETE FROM card_mark WHERE lane = $1::smallint AND org_id = $2 AND card_id = $3;
