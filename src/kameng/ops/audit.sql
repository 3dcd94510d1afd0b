-- name: orders_have_their_cards
-- Delivered live orders of kinds that come from the shelf: as many are listed as were ordered, and as many sold cards
-- of that SKU point back. That those are the listed ones is the next law's.
WITH kind AS MATERIALIZED (
  SELECT sku_id, revision FROM sku_revision WHERE snapshot ->> 'kind' IN ('secret', 'link')
), sold AS (
  SELECT lane, order_id, sku_id, count(*) AS cards FROM card WHERE state = 'sold' GROUP BY lane, order_id, sku_id
), judged AS (
  SELECT o.order_id, coalesce(s.cards, 0) <> o.quantity OR cardinality(o.card_ids) <> o.quantity AS is_wrong
  FROM orders o JOIN organisation g USING (lane, org_id)
  JOIN kind k ON k.sku_id = o.sku_id AND k.revision = o.sku_revision
  LEFT JOIN sold s ON s.lane = o.lane AND s.order_id = o.order_id AND s.sku_id = o.sku_id
  WHERE o.state IN ('delivered', 'settled') AND g.sandbox_of IS NULL
)
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(order_id::text) FILTER (WHERE is_wrong))[1:5] AS examples
FROM judged;

-- name: cards_have_their_order
-- Sold cards and the order that each names, in the same lane, listing it.
SELECT count(*) AS checked, count(*) FILTER (WHERE o.order_id IS NULL) AS broken,
       (array_agg(c.card_id::text) FILTER (WHERE o.order_id IS NULL))[1:5] AS examples
FROM card c LEFT JOIN orders o ON o.lane = c.lane AND o.order_id = c.order_id AND c.card_id = ANY (o.card_ids)
WHERE c.state = 'sold';

-- name: cards_delivered_once
-- Every card that any order lists, and how often; cards of a lane and orders of all.
SELECT count(*) AS checked, count(*) FILTER (WHERE times > 1) AS broken,
       (array_agg(card_id::text) FILTER (WHERE times > 1))[1:5] AS examples
FROM (
  SELECT card_id, count(*) AS times FROM (SELECT unnest(card_ids) AS card_id FROM orders) AS one GROUP BY card_id
) AS listed;

-- name: cards_exist_once
-- Cards over all lanes, each with the one fingerprint that keeps it from being loaded again. Of a reusable card it is
-- the card's own: its uses have none.
WITH card_in_lanes AS (
  SELECT card_id, count(*) AS lanes, min(original_id) IS NULL AS is_known FROM (
    SELECT card_id, original_id FROM card UNION ALL SELECT original_id, NULL FROM reusable_card
  ) AS every GROUP BY card_id
), known AS (
  SELECT card_id, count(*) AS fingerprints FROM card_fingerprint GROUP BY card_id
), judged AS (
  SELECT card_id, lanes IS DISTINCT FROM 1
      OR coalesce(fingerprints, 0) <> CASE WHEN coalesce(is_known, true) THEN 1 ELSE 0 END AS is_wrong
  FROM card_in_lanes FULL JOIN known USING (card_id)
)
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(card_id::text) FILTER (WHERE is_wrong))[1:5] AS examples
FROM judged;

-- name: uses_are_counted
-- Reusable cards beside the orders that hold one of them and all uses that lie anywhere: as many as were issued, and no
-- more than there may be. Every use has its card, of the same SKU and batch.
WITH lying AS (
  SELECT original_id, count(*) AS uses, count(order_id) AS held, count(DISTINCT (sku_id, batch_id)) AS kinds,
         min(sku_id) AS sku_id, min(batch_id) AS batch_id
  FROM card WHERE original_id IS NOT NULL GROUP BY original_id
), judged AS (
  SELECT original_id, r.lane IS NULL OR coalesce(l.uses, 0) <> r.issued OR l.held > r.uses OR r.issued > r.uses
      OR l.kinds > 1 OR l.sku_id <> r.sku_id OR l.batch_id <> r.batch_id AS is_wrong
  FROM reusable_card r FULL JOIN lying l USING (original_id)
)
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(original_id::text) FILTER (WHERE is_wrong))[1:5] AS examples
FROM judged;

-- name: displayed_cards_were_chosen
-- Cards with a label that an order has: its price says that this one was chosen.
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(card_id::text) FILTER (WHERE is_wrong))[1:5] AS examples
FROM (
  SELECT c.card_id, o.order_id IS NULL OR o.trace !~ format('(^| )pick:%s=', c.card_id) AS is_wrong
  FROM card c LEFT JOIN orders o ON o.lane = c.lane AND o.order_id = c.order_id
  WHERE c.label IS NOT NULL AND c.order_id IS NOT NULL
) AS judged;

-- name: shelves_are_counted
-- The count of each lane's shelf beside the cards that lie there.
WITH lying AS (
  SELECT lane, sku_id, count(*) AS cards FROM card WHERE state = 'on_shelf' GROUP BY lane, sku_id
)
SELECT count(*) AS checked, count(*) FILTER (WHERE coalesce(on_hand, 0) <> coalesce(cards, 0)) AS broken,
       (array_agg(format('lane %s sku %s: %s counted, %s there', lane, sku_id, coalesce(on_hand, 0), coalesce(cards, 0)))
         FILTER (WHERE coalesce(on_hand, 0) <> coalesce(cards, 0)))[1:5] AS examples
FROM allotment FULL JOIN lying USING (lane, sku_id);

-- name: sandboxes_take_no_cards
-- Orders of sandboxes, and those of them that hold a card.
SELECT count(*) AS checked, count(*) FILTER (WHERE o.card_ids <> '{}') AS broken,
       (array_agg(o.order_id::text) FILTER (WHERE o.card_ids <> '{}'))[1:5] AS examples
FROM orders o JOIN organisation g USING (lane, org_id) WHERE g.sandbox_of IS NOT NULL;

-- name: ledger_sums_to_zero
-- The sum of all accounts, lane by lane and currency by currency.
SELECT count(*) AS checked, count(*) FILTER (WHERE total_e4 <> 0) AS broken,
       (array_agg(format('lane %s %s: %s', lane, currency, total_e4)) FILTER (WHERE total_e4 <> 0))[1:5] AS examples
FROM (SELECT lane, currency, sum(posted_e4) AS total_e4 FROM account GROUP BY lane, currency) AS total;

-- name: balances_follow_transfers
-- Each account's balance beside the sum of its transfers, which are read once: pairs of accounts are few.
WITH pair AS MATERIALIZED (
  SELECT lane, debit_account, credit_account, sum(amount_e4) AS amount_e4
  FROM transfer WHERE kind IN ('posted', 'post') GROUP BY lane, debit_account, credit_account
), moved AS (
  SELECT lane, account_id, sum(amount_e4) AS total_e4 FROM (
    SELECT lane, credit_account AS account_id, amount_e4 FROM pair
    UNION ALL SELECT lane, debit_account, -amount_e4 FROM pair
  ) AS side GROUP BY lane, account_id
)
SELECT count(*) AS checked, count(*) FILTER (WHERE a.posted_e4 <> coalesce(m.total_e4, 0)) AS broken,
       (array_agg(a.account_id::text) FILTER (WHERE a.posted_e4 <> coalesce(m.total_e4, 0)))[1:5] AS examples
FROM account a LEFT JOIN moved m USING (lane, account_id);

-- name: holds_are_open
-- What each account holds beside the sum of its holds that nothing resolved.
WITH open AS (
  SELECT h.lane, h.debit_account AS account_id, sum(h.amount_e4) AS total_e4 FROM transfer h
  WHERE h.kind = 'hold' AND NOT EXISTS (SELECT FROM transfer r WHERE r.lane = h.lane AND r.pending_id = h.transfer_id)
  GROUP BY 1, 2
)
SELECT count(*) AS checked, count(*) FILTER (WHERE a.held_e4 <> coalesce(o.total_e4, 0)) AS broken,
       (array_agg(a.account_id::text) FILTER (WHERE a.held_e4 <> coalesce(o.total_e4, 0)))[1:5] AS examples
FROM account a LEFT JOIN open o USING (lane, account_id);

-- name: holds_resolve_once
-- Posts and voids, each with its own hold: between the same accounts, not above it, and the only one.
WITH resolved AS (
  SELECT r.*, count(*) OVER (PARTITION BY r.lane, r.pending_id) AS times
  FROM transfer r WHERE r.pending_id IS NOT NULL
), judged AS (
  SELECT r.transfer_id, h.transfer_id IS NULL OR r.amount_e4 > h.amount_e4 OR r.times > 1
      OR (r.debit_account, r.credit_account) <> (h.debit_account, h.credit_account) AS is_wrong
  FROM resolved r LEFT JOIN transfer h ON h.lane = r.lane AND h.transfer_id = r.pending_id AND h.kind = 'hold'
)
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(transfer_id::text) FILTER (WHERE is_wrong))[1:5] AS examples
FROM judged;

-- name: no_wallet_below_its_line
-- Every bounded account and what it has left.
SELECT count(*) AS checked, count(*) FILTER (WHERE posted_e4 - held_e4 + credit_line_e4 < 0) AS broken,
       (array_agg(account_id::text) FILTER (WHERE posted_e4 - held_e4 + credit_line_e4 < 0))[1:5] AS examples
FROM account WHERE NOT unbounded;

-- name: transfers_join_accounts
-- Both sides of every transfer: accounts of its lane, in one currency, and a key from outside leads to one.
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(example) FILTER (WHERE is_wrong))[1:5] AS examples
FROM (
  SELECT t.transfer_id::text AS example, d.currency IS DISTINCT FROM c.currency OR d.currency IS NULL AS is_wrong
  FROM transfer t LEFT JOIN account d ON d.lane = t.lane AND d.account_id = t.debit_account
  LEFT JOIN account c ON c.lane = t.lane AND c.account_id = t.credit_account
  UNION ALL
  SELECT 'key of ' || k.transfer_id, t.transfer_id IS NULL FROM transfer_key k LEFT JOIN transfer t USING (lane, transfer_id)
) AS judged;

-- name: statements_add_up
-- Lines of every wallet in their order: each balance follows from the one before, and the last one is the wallet's.
-- One sort, by two numbers: a wallet's id holds its lane.
WITH line AS (
  SELECT lane, debit_account AS account_id, transfer_id, debit_after_e4 AS after_e4,
         CASE WHEN kind IN ('posted', 'post') THEN -amount_e4 ELSE 0 END AS amount_e4
  FROM transfer WHERE debit_account >= 1000
  UNION ALL
  SELECT lane, credit_account, transfer_id, credit_after_e4,
         CASE WHEN kind IN ('posted', 'post') THEN amount_e4 ELSE 0 END
  FROM transfer WHERE credit_account >= 1000
), walked AS (
  SELECT lane, account_id, transfer_id, after_e4, lead(transfer_id) OVER one IS NULL AS is_last,
         after_e4 <> lag(after_e4, 1, 0::bigint) OVER one + amount_e4 AS is_wrong
  FROM line WINDOW one AS (PARTITION BY account_id ORDER BY transfer_id)
), judged AS (
  SELECT w.transfer_id, w.is_wrong OR w.is_last AND w.after_e4 IS DISTINCT FROM a.posted_e4 AS is_wrong
  FROM walked w LEFT JOIN account a ON w.is_last AND a.lane = w.lane AND a.account_id = w.account_id
)
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(transfer_id::text) FILTER (WHERE is_wrong))[1:5] AS examples
FROM judged;

-- name: orders_have_one_sale
-- Orders that were paid, each with the sale that bears its id: its amount, out of its buyer's wallet, or out of
-- clearing (3 and 503) if a channel brought the money; where his shop collects itself, what that pays, out of the shop's.
SELECT count(*) AS checked, count(*) FILTER (WHERE t.transfer_id IS NULL) AS broken,
       (array_agg(o.order_id::text) FILTER (WHERE t.transfer_id IS NULL))[1:5] AS examples
FROM orders o LEFT JOIN order_payment p ON p.lane = o.lane AND p.order_id = o.order_id
LEFT JOIN transfer t ON t.lane = o.lane AND t.transfer_id = o.order_id AND t.code = 'sale'
  AND t.subject_id = o.order_id
  AND t.amount_e4 = o.total_e4 - CASE WHEN o.split ->> 'payer_id' IS NULL THEN 0
                                      ELSE (o.split #>> '{margins,-1,1}')::bigint END
  AND CASE WHEN p.order_id IS NULL THEN t.debit_account = coalesce((o.split ->> 'payer_id')::bigint, o.org_id)
           ELSE t.debit_account IN (3, 503) END
WHERE o.state NOT IN ('awaiting_payment', 'expired', 'cancelled');

-- name: sales_have_their_order
-- Sales, each with the order that bears its id.
SELECT count(*) AS checked, count(*) FILTER (WHERE o.order_id IS NULL) AS broken,
       (array_agg(t.transfer_id::text) FILTER (WHERE o.order_id IS NULL))[1:5] AS examples
FROM transfer t LEFT JOIN orders o ON o.lane = t.lane AND o.order_id = t.transfer_id AND o.order_id = t.subject_id
WHERE t.code = 'sale';

-- name: escrow_holds_the_undelivered
-- What the house keeps in escrow beside the orders that were paid and are not delivered, or whose buyers may confirm
-- that they were; less what went back.
WITH owed AS (
  SELECT lane, currency, sum(paid_e4 - div(paid_e4::numeric * refunded_e4, total_e4))::bigint AS total_e4
  FROM (
    SELECT *, total_e4 - CASE WHEN split ->> 'payer_id' IS NULL THEN 0
                              ELSE (split #>> '{margins,-1,1}')::bigint END AS paid_e4 FROM orders
  ) AS o JOIN organisation USING (lane, org_id)
  WHERE o.state IN ('paid', 'held', 'fulfilling', 'review', 'cancelling', 'failed', 'refused')
    OR o.confirm_until IS NOT NULL
  GROUP BY 1, 2
), kept AS (
  SELECT lane, currency, sum(posted_e4) AS total_e4 FROM account WHERE code = 'escrow' GROUP BY 1, 2
)
SELECT count(*) AS checked, count(*) FILTER (WHERE coalesce(o.total_e4, 0) <> coalesce(k.total_e4, 0)) AS broken,
       (array_agg(format('lane %s %s: %s kept, %s owed', lane, currency, coalesce(k.total_e4, 0), coalesce(o.total_e4, 0)))
         FILTER (WHERE coalesce(o.total_e4, 0) <> coalesce(k.total_e4, 0)))[1:5] AS examples
FROM kept k FULL JOIN owed o USING (lane, currency);

-- name: splits_make_the_total
-- Orders that were bought from agents: the platform's part and the margins, beside what the order costs.
SELECT count(*) AS checked, count(*) FILTER (WHERE parts_e4 <> total_e4) AS broken,
       (array_agg(order_id::text) FILTER (WHERE parts_e4 <> total_e4))[1:5] AS examples
FROM (
  SELECT order_id, total_e4, (split ->> 'house_e4')::bigint
      + (SELECT coalesce(sum((m ->> 1)::bigint), 0) FROM jsonb_array_elements(split -> 'margins') AS m) AS parts_e4
  FROM orders WHERE split IS NOT NULL
) AS judged;

-- name: margins_follow_their_split
-- Each agent's margin of each order, but that of one that collects itself, as the ledger has it: none as long as the
-- order's money rests in escrow; from then on all of it, less what refunds gave back, every border between two shares
-- rounded down. No more is given back than was booked, but for a unit by which parts may be rounded. That it is not
-- taken from escrow is the law of escrow.
WITH share AS (
  SELECT o.lane, o.order_id, o.split ->> 'payer_id' AS payer_id, o.refunded_e4, o.total_e4, (m ->> 0)::bigint AS agent_id,
         (m ->> 1)::bigint AS margin_e4,
         (o.split ->> 'house_e4')::bigint + sum((m ->> 1)::bigint) OVER (PARTITION BY o.lane, o.order_id ORDER BY n) AS border_e4,
         o.confirm_until IS NULL AND o.state IN ('delivered', 'partly_delivered', 'settled', 'refunded') AS is_earned
  FROM orders o CROSS JOIN LATERAL jsonb_array_elements(o.split -> 'margins') WITH ORDINALITY AS e (m, n)
  WHERE o.split IS NOT NULL
), owed AS (
  SELECT lane, order_id, agent_id, CASE WHEN is_earned THEN margin_e4 - div(border_e4 * refunded_e4, total_e4)
      + div((border_e4 - margin_e4) * refunded_e4, total_e4) ELSE 0 END AS margin_e4
  FROM share WHERE agent_id::text IS DISTINCT FROM payer_id
), side AS (
  SELECT lane, subject_id AS order_id, code, credit_account AS account_id, amount_e4
  FROM transfer WHERE code IN ('margin', 'margin_back')
  UNION ALL SELECT lane, subject_id, code, debit_account, -amount_e4
  FROM transfer WHERE code IN ('margin', 'margin_back')
), booked AS (
  SELECT lane, order_id, a.org_id AS agent_id, coalesce(sum(amount_e4) FILTER (WHERE s.code = 'margin'), 0) AS got_e4,
         -coalesce(sum(amount_e4) FILTER (WHERE s.code = 'margin_back'), 0) AS back_e4
  FROM side s JOIN account a USING (lane, account_id) WHERE a.code = 'sub_account' GROUP BY 1, 2, 3
), judged AS (
  SELECT order_id, agent_id, o.order_id IS NULL OR coalesce(b.got_e4 - b.back_e4, 0) <> o.margin_e4
      OR coalesce(b.back_e4 NOT BETWEEN least(b.got_e4, 0) - 1 AND greatest(b.got_e4, 0) + 1, false) AS is_wrong
  FROM owed o FULL JOIN booked b USING (lane, order_id, agent_id)
)
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(format('order %s agent %s', order_id, agent_id)) FILTER (WHERE is_wrong))[1:5] AS examples
FROM judged;

-- name: sub_accounts_are_only_swept
-- Every transfer of an agent's sub-account: a margin, one given back, or a sweep.
WITH side AS (
  SELECT lane, transfer_id, code, debit_account AS account_id FROM transfer
  UNION ALL SELECT lane, transfer_id, code, credit_account FROM transfer
)
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(transfer_id::text) FILTER (WHERE is_wrong))[1:5] AS examples
FROM (
  SELECT s.transfer_id, s.code NOT IN ('margin', 'margin_back', 'sweep') AS is_wrong
  FROM side s JOIN account a USING (lane, account_id) WHERE a.code = 'sub_account'
) AS judged;

-- name: lanes_owe_each_other_the_same
-- For every pair of lanes: what one owes, what the other has to get, and what is on its way.
WITH owes AS (
  SELECT lane AS from_lane, peer_lane AS to_lane, currency, posted_e4 FROM account WHERE code = 'due_to'
), gets AS (
  SELECT peer_lane AS from_lane, lane AS to_lane, currency, posted_e4 FROM account WHERE code = 'due_from'
), flying AS (
  SELECT s.lane AS from_lane, s.to_lane, s.currency, sum(s.amount_e4) AS amount_e4
  FROM sweep s LEFT JOIN transfer_key k ON k.lane = s.to_lane AND k.key = 'sweep:' || s.sweep_id
  WHERE k.key IS NULL GROUP BY 1, 2, 3
), judged AS (
  SELECT from_lane, to_lane, currency, coalesce(o.posted_e4, 0) AS owed_e4, -coalesce(g.posted_e4, 0) AS got_e4,
         coalesce(f.amount_e4, 0) AS flying_e4
  FROM owes o FULL JOIN gets g USING (from_lane, to_lane, currency)
  FULL JOIN flying f USING (from_lane, to_lane, currency)
)
SELECT count(*) AS checked, count(*) FILTER (WHERE owed_e4 <> got_e4 + flying_e4) AS broken,
       (array_agg(format('lane %s to %s %s: %s owed, %s got, %s on its way', from_lane, to_lane, currency, owed_e4,
                         got_e4, flying_e4)) FILTER (WHERE owed_e4 <> got_e4 + flying_e4))[1:5] AS examples
FROM judged;

-- name: agents_have_no_cycle
-- Every organisation with an agent above: whether following them up comes to the platform, over agents alone.
WITH RECURSIVE up AS (
  SELECT org_id, parent_id, 1 AS depth FROM organisation WHERE parent_id IS NOT NULL
  UNION ALL
  SELECT u.org_id, p.parent_id, u.depth + 1 FROM up u JOIN organisation p ON p.org_id = u.parent_id
  WHERE p.kind = 'agent' AND p.sandbox_of IS NULL AND u.depth <= 1000
), judged AS (
  SELECT org_id, bool_or(parent_id IS NULL) AS is_under FROM up GROUP BY org_id
)
SELECT count(*) AS checked, count(*) FILTER (WHERE NOT is_under) AS broken,
       (array_agg(org_id::text) FILTER (WHERE NOT is_under))[1:5] AS examples
FROM judged;

-- name: orders_have_one_reference
-- Orders and references, each with exactly one of the other: the order's own organisation and number.
WITH judged AS (
  SELECT order_id, coalesce(r.ref_key <> int8send(o.org_id) || convert_to(o.client_ref, 'UTF8'), true) AS is_wrong
  FROM orders o FULL JOIN order_ref r USING (lane, order_id)
)
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(order_id::text) FILTER (WHERE is_wrong))[1:5] AS examples
FROM judged;

-- name: orders_stand_once
-- Archived orders and events, and those of them that stand among today's too.
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(id::text) FILTER (WHERE is_wrong))[1:5] AS examples
FROM (
  SELECT a.order_id AS id, o.order_id IS NOT NULL AS is_wrong
  FROM archived_orders a LEFT JOIN ONLY orders o ON o.lane = a.lane AND o.order_id = a.order_id
  UNION ALL SELECT a.event_id, e.event_id IS NOT NULL
  FROM archived_event a LEFT JOIN ONLY event e
    ON e.lane = a.lane AND e.subject_id = a.subject_id AND e.sequence = a.sequence
) AS judged;

-- name: orders_belong_to_their_caller
-- Orders, each with its organisation and a key of that organisation.
SELECT count(*) AS checked,
       count(*) FILTER (WHERE g.org_id IS NULL OR o.key_id <> 0 AND k.org_id IS DISTINCT FROM o.org_id) AS broken,
       (array_agg(o.order_id::text)
         FILTER (WHERE g.org_id IS NULL OR o.key_id <> 0 AND k.org_id IS DISTINCT FROM o.org_id))[1:5] AS examples
FROM orders o LEFT JOIN organisation g USING (lane, org_id)
LEFT JOIN api_key k ON k.lane = o.lane AND k.key_id = o.key_id;

-- name: prices_follow_their_trace
-- Orders whose price is the last step of its trace and whose SKU stands in the revision they were sold by.
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(order_id::text) FILTER (WHERE is_wrong))[1:5] AS examples
FROM (
  SELECT o.order_id, split_part(o.trace, '=', -1) <> o.unit_price_e4::text
      OR o.total_e4 <> o.unit_price_e4 * o.quantity OR r.sku_id IS NULL AS is_wrong
  FROM orders o LEFT JOIN sku_revision r ON r.sku_id = o.sku_id AND r.revision = o.sku_revision
) AS judged;

-- name: events_have_no_gap
-- The events of every subject, numbered 1, 2, 3 …; an order's up to its sequence, and its organisation's own. What
-- says that it happened to an order did happen to one.
WITH told AS (
  SELECT lane, subject_id, count(*) AS events, min(sequence) AS first, max(sequence) AS last,
         min(org_id) AS org_from, max(org_id) AS org_to, bool_or(kind LIKE 'order.%') AS of_order
  FROM event GROUP BY lane, subject_id
), judged AS (
  SELECT coalesce(t.subject_id, o.order_id) AS subject_id,
         t.subject_id IS NULL OR t.first <> 1 OR t.last <> t.events
           OR CASE WHEN o.order_id IS NULL THEN t.of_order
                   ELSE (t.last, t.org_from, t.org_to) <> (o.sequence, o.org_id, o.org_id) END AS is_wrong
  FROM told t FULL JOIN orders o ON o.lane = t.lane AND o.order_id = t.subject_id
)
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(subject_id::text) FILTER (WHERE is_wrong))[1:5] AS examples
FROM judged;

-- name: no_order_rests
-- Orders that are not final, each with a job that will move it: of the context whose turn it is in that state, and
-- due within a day (a reservation ends in 10 minutes, a job is tried again within the hour), in a worker's hands, or
-- on the desk of jobs, which has its clock; or with a live task, which has one too. An order under review may be asked
-- about or lie on the desk, but nothing sends it again by itself: only a sandbox plays on. A state that is not listed
-- here has no way out, and its orders are told.
WITH way (state, context) AS (
  VALUES ('awaiting_payment', 'orders'), ('paid', 'fulfilment'), ('held', 'orders'), ('fulfilling', 'fulfilment'),
         ('review', 'fulfilment'), ('review', 'orders'), ('cancelling', 'fulfilment'), ('partly_delivered', 'orders'),
         ('failed', 'orders'), ('refused', 'orders')
), judged AS (
  SELECT o.order_id, coalesce(bool_or(
           (j.state <> 'waiting' OR j.due_at <= greatest(now(), o.placed_at, o.confirm_until) + interval '1 day')
           AND NOT (o.state = 'review' AND j.state IN ('waiting', 'leased') AND (
             j.kind IN ('fulfilment.manual', 'fulfilment.topup', 'fulfilment.parcel')
             OR j.kind = 'fulfilment.rehearse' AND g.sandbox_of IS NULL))
         ), false) OR o.state <> 'review' AND bool_or(w.context = 'fulfilment') AND EXISTS (
           SELECT FROM manual_task t WHERE t.lane = o.lane AND t.order_id = o.order_id
             AND t.state IN ('open', 'taken')) AS is_moving
  FROM orders o JOIN organisation g ON g.lane = o.lane AND g.org_id = o.org_id LEFT JOIN way w ON w.state = o.state
  LEFT JOIN job j ON j.lane = o.lane AND j.subject_id = o.order_id AND split_part(j.kind, '.', 1) = w.context
  WHERE o.state NOT IN ('settled', 'delivered', 'expired', 'cancelled', 'refunded')
  GROUP BY o.lane, o.order_id, o.state
)
SELECT count(*) AS checked, count(*) FILTER (WHERE NOT is_moving) AS broken,
       (array_agg(order_id::text) FILTER (WHERE NOT is_moving))[1:5] AS examples
FROM judged;

-- name: manual_orders_have_their_task
-- Orders that people work and that are being fulfilled: each with the job that opens its task, or with one that is
-- live, of the SKU that was ordered and for whoever works that.
WITH worked AS (
  SELECT o.lane, o.order_id, o.sku_id, o.sku_revision, o.quantity,
         coalesce((r.snapshot ->> 'worked_by')::bigint, 0) AS worked_by
  FROM orders o JOIN sku_revision r ON r.sku_id = o.sku_id AND r.revision = o.sku_revision
  JOIN organisation g ON g.lane = o.lane AND g.org_id = o.org_id
  WHERE o.state = 'fulfilling' AND r.snapshot ->> 'kind' = 'manual' AND g.sandbox_of IS NULL
), live AS (
  SELECT lane, order_id, sku_id, sku_revision, quantity, worker_org_id FROM manual_task
  WHERE part_no = 0 AND state IN ('open', 'taken')
), due AS (
  SELECT lane, subject_id AS order_id, count(*) AS jobs FROM job WHERE kind = 'fulfilment.manual' GROUP BY 1, 2
), judged AS (
  SELECT w.order_id, CASE WHEN l.order_id IS NULL THEN coalesce(d.jobs, 0) <> 1
      ELSE (l.sku_id, l.sku_revision, l.quantity, l.worker_org_id)
             <> (w.sku_id, w.sku_revision, w.quantity, w.worked_by) END AS is_wrong
  FROM worked w LEFT JOIN live l USING (lane, order_id) LEFT JOIN due d USING (lane, order_id)
)
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(order_id::text) FILTER (WHERE is_wrong))[1:5] AS examples
FROM judged;

-- name: answers_are_delivered
-- Tasks that ended, and answers. What was answered: of an order or a part that was delivered, or more. What was refused:
-- nothing came, and the money is on its way back, or waits for the other parts. An answer without a task is a sandbox's,
-- of an order that has it.
WITH ended AS (
  SELECT coalesce(t.lane, a.lane) AS lane, coalesce(t.order_id, a.order_id) AS order_id,
         coalesce(t.part_no, a.part_no) AS part_no, t.state, a.order_id IS NOT NULL AS has_answer
  FROM (SELECT * FROM manual_task WHERE state IN ('answered', 'refused')) AS t
  FULL JOIN manual_answer a ON a.lane = t.lane AND a.order_id = t.order_id AND a.part_no = t.part_no
), known AS (
  SELECT e.*, g.sandbox_of IS NOT NULL AS is_sandbox,
         CASE WHEN e.part_no = 0 THEN o.refunded_e4 = o.total_e4 OR o.state = 'failed'
              ELSE p.state IN ('failed', 'refunded') END AS is_back,
         CASE WHEN e.part_no = 0
              THEN coalesce(o.state IN ('delivered', 'partly_delivered', 'settled', 'refunded'), false)
              ELSE coalesce(p.state IN ('delivered', 'refunded'), false) END AS has_come
  FROM ended e LEFT JOIN orders o ON o.lane = e.lane AND o.order_id = e.order_id
  LEFT JOIN order_part p ON p.lane = e.lane AND p.order_id = e.order_id AND p.part_no = e.part_no
  LEFT JOIN organisation g ON g.lane = o.lane AND g.org_id = o.org_id
), judged AS (
  SELECT order_id, CASE
      WHEN state IS NULL THEN NOT (is_sandbox AND has_come)
      WHEN state = 'refused' THEN has_answer OR is_back IS NOT TRUE
      ELSE NOT has_come END AS is_wrong
  FROM known
)
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(order_id::text) FILTER (WHERE is_wrong))[1:5] AS examples
FROM judged;

-- name: terms_have_their_job
-- Orders with a term, that of their payment or that of their buyer's confirmation: each with the job that ends it, due
-- when the term is, in a worker's hands, or on the desk; and no payment counts as open but those that are awaited.
WITH term AS (
  SELECT o.lane, o.order_id, 'orders.expire' AS kind, p.expires_at AS ends_at
  FROM orders o FULL JOIN (SELECT * FROM order_payment WHERE is_open) AS p USING (lane, order_id)
  WHERE o.state = 'awaiting_payment' OR p.order_id IS NOT NULL AND o.state IS DISTINCT FROM 'awaiting_payment'
  UNION ALL SELECT lane, order_id, 'orders.settle', confirm_until FROM orders WHERE confirm_until IS NOT NULL
), judged AS (
  SELECT t.order_id, NOT coalesce(bool_or(j.state <> 'waiting' OR j.due_at <= t.ends_at), false) AS is_wrong
  FROM term t LEFT JOIN job j ON j.lane = t.lane AND j.subject_id = t.order_id AND j.kind = t.kind
  GROUP BY t.lane, t.order_id, t.kind
)
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(order_id::text) FILTER (WHERE is_wrong))[1:5] AS examples
FROM judged;

-- name: reserved_cards_are_awaited
-- Orders that await their payment, and reserved cards: as many are reserved for an order as it lists.
WITH reserved AS (
  SELECT lane, order_id, count(*) AS cards FROM card WHERE state = 'reserved' GROUP BY lane, order_id
), awaiting AS (
  SELECT o.lane, o.order_id, cardinality(o.card_ids) AS cards FROM orders o WHERE o.state = 'awaiting_payment'
)
SELECT count(*) AS checked, count(*) FILTER (WHERE coalesce(r.cards, 0) <> coalesce(a.cards, 0)) AS broken,
       (array_agg(order_id::text) FILTER (WHERE coalesce(r.cards, 0) <> coalesce(a.cards, 0)))[1:5] AS examples
FROM awaiting a FULL JOIN reserved r USING (lane, order_id);

-- name: refunds_went_back
-- Orders of which money went back, beside the refunds that the ledger has of them: the same, and never more than was
-- paid; all of it where the order says so. Where a shop collects itself, what it paid of that goes back to it.
WITH back AS (
  SELECT lane, subject_id AS order_id, sum(amount_e4) AS total_e4 FROM transfer WHERE code = 'refund' GROUP BY 1, 2
), judged AS (
  SELECT order_id, coalesce(b.total_e4, 0) IS DISTINCT FROM
        CASE WHEN o.split ->> 'payer_id' IS NULL OR o.refunded_e4 = 0 THEN o.refunded_e4::numeric
             ELSE div((o.total_e4 - (o.split #>> '{margins,-1,1}')::bigint)::numeric * o.refunded_e4, o.total_e4) END
      OR o.refunded_e4 > o.total_e4
      OR (o.state = 'refunded') <> (o.refunded_e4 = o.total_e4) AS is_wrong
  FROM orders o FULL JOIN back b USING (lane, order_id)
  WHERE o.order_id IS NULL OR o.refunded_e4 <> 0 OR o.state = 'refunded' OR b.order_id IS NOT NULL
)
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(order_id::text) FILTER (WHERE is_wrong))[1:5] AS examples
FROM judged;

-- name: bundles_have_their_parts
-- Orders by a revision of their SKU that has parts, and orders that have any: numbered as there, of those SKUs and
-- revisions, so many pieces, and together worth the total.
WITH named AS (
  SELECT r.sku_id, r.revision, n::smallint AS part_no, (part ->> 'sku_id')::bigint AS part_sku,
         (part ->> 'revision')::int AS part_revision, part ->> 'kind' AS kind, (part ->> 'quantity')::int AS pieces
  FROM sku_revision r CROSS JOIN LATERAL jsonb_array_elements(r.snapshot -> 'parts') WITH ORDINALITY AS e (part, n)
), wanted AS (
  SELECT o.lane, o.order_id, n.part_no, n.part_sku, n.part_revision, n.kind, n.pieces * o.quantity AS quantity, o.total_e4
  FROM orders o JOIN named n ON n.sku_id = o.sku_id AND n.revision = o.sku_revision
), judged AS (
  SELECT order_id, sum(p.worth_e4) IS DISTINCT FROM min(w.total_e4)
      OR bool_or((w.part_sku, w.part_revision, w.kind, w.quantity)
                 IS DISTINCT FROM (p.sku_id, p.sku_revision, p.kind, p.quantity)) AS is_wrong
  FROM wanted w FULL JOIN order_part p USING (lane, order_id, part_no) GROUP BY lane, order_id
)
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(order_id::text) FILTER (WHERE is_wrong))[1:5] AS examples
FROM judged;

-- name: parts_follow_their_order
-- Parts of orders: each in a state that goes with its order's, one of them in the state that the order's needs, and what
-- those are worth that were paid back is among what went back.
WITH goes (state, part, is_needed) AS (
  VALUES ('awaiting_payment', 'waiting', true), ('expired', 'waiting', true), ('cancelled', 'waiting', true),
         ('paid', 'waiting', true),
         ('held', 'waiting', true), ('held', 'delivered', false), ('held', 'failed', false),
         ('fulfilling', 'waiting', true), ('fulfilling', 'delivered', false), ('fulfilling', 'failed', false),
         ('review', 'waiting', true), ('review', 'delivered', false), ('review', 'failed', false),
         ('cancelling', 'waiting', true), ('cancelling', 'delivered', false), ('cancelling', 'failed', false),
         ('delivered', 'delivered', true), ('delivered', 'refunded', false),
         ('partly_delivered', 'delivered', true), ('partly_delivered', 'refunded', false),
         ('settled', 'delivered', true), ('settled', 'refunded', false),
         ('failed', 'failed', true), ('failed', 'delivered', false),
         ('refused', 'failed', true), ('refused', 'delivered', false),
         ('refunded', 'refunded', true)
), judged AS (
  SELECT p.order_id, bool_or(g.part IS NULL) OR NOT coalesce(bool_or(g.is_needed), false)
      OR coalesce(sum(p.worth_e4) FILTER (WHERE p.state = 'refunded'), 0) > min(o.refunded_e4) AS is_wrong
  FROM order_part p LEFT JOIN orders o ON o.lane = p.lane AND o.order_id = p.order_id
  LEFT JOIN goes g ON g.state = o.state AND g.part = p.state
  GROUP BY p.lane, p.order_id
)
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(order_id::text) FILTER (WHERE is_wrong))[1:5] AS examples
FROM judged;

-- name: parts_are_waited_for
-- Parts that live orders under way wait for: each with its own job, or with a live task of its own goods.
WITH due AS (
  SELECT lane, subject_id AS order_id, (payload ->> 'part_no')::smallint AS part_no, kind, count(*) AS jobs
  FROM job WHERE payload ? 'part_no' GROUP BY 1, 2, 3, 4
), judged AS (
  SELECT p.order_id, p.part_no, coalesce(d.jobs, 0) + coalesce((
           (t.sku_id, t.sku_revision, t.quantity) = (p.sku_id, p.sku_revision, p.quantity))::int, 0) <> 1 AS is_wrong
  FROM order_part p JOIN orders o ON o.lane = p.lane AND o.order_id = p.order_id
  JOIN organisation g ON g.lane = o.lane AND g.org_id = o.org_id
  LEFT JOIN due d ON d.lane = p.lane AND d.order_id = p.order_id AND d.part_no = p.part_no
    AND d.kind = 'fulfilment.' || p.kind
  LEFT JOIN manual_task t ON t.lane = p.lane AND t.order_id = p.order_id AND t.part_no = p.part_no
    AND t.state IN ('open', 'taken')
  WHERE o.state = 'fulfilling' AND p.state = 'waiting' AND g.sandbox_of IS NULL
)
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(format('order %s part %s', order_id, part_no)) FILTER (WHERE is_wrong))[1:5] AS examples
FROM judged;

-- name: parts_have_their_cards
-- Parts of orders: an order lists the cards of its parts and no other, and of what was delivered from stock to a live
-- order there are as many sold cards of the part's own SKU as pieces.
WITH listed AS (
  SELECT p.lane, p.order_id, p.part_no, p.sku_id, c.card_id, c.n
  FROM order_part p CROSS JOIN LATERAL unnest(p.card_ids) WITH ORDINALITY AS c (card_id, n)
), of_order AS (
  SELECT lane, order_id, array_agg(card_id ORDER BY part_no, n) AS cards FROM listed GROUP BY lane, order_id
), sold AS (
  SELECT l.lane, l.order_id, l.part_no, count(*) AS pieces
  FROM listed l JOIN card c ON c.lane = l.lane AND c.card_id = l.card_id AND c.order_id = l.order_id
    AND c.sku_id = l.sku_id AND c.state = 'sold'
  GROUP BY l.lane, l.order_id, l.part_no
), judged AS (
  SELECT p.order_id, p.part_no, coalesce(f.cards, '{}') IS DISTINCT FROM o.card_ids
      OR p.state = 'delivered' AND p.kind IN ('secret', 'link') AND g.sandbox_of IS NULL
         AND coalesce(s.pieces, 0) <> p.quantity AS is_wrong
  FROM order_part p LEFT JOIN orders o ON o.lane = p.lane AND o.order_id = p.order_id
  LEFT JOIN organisation g ON g.lane = o.lane AND g.org_id = o.org_id
  LEFT JOIN of_order f ON f.lane = p.lane AND f.order_id = p.order_id
  LEFT JOIN sold s ON s.lane = p.lane AND s.order_id = p.order_id AND s.part_no = p.part_no
)
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(format('order %s part %s', order_id, part_no)) FILTER (WHERE is_wrong))[1:5] AS examples
FROM judged;

-- name: commands_took_effect
-- Commands to orders, each of an order that came at least as far; and payments, each booked once under its reference.
WITH judged AS (
  SELECT c.key AS example, o.order_id IS NULL OR c.sequence > o.sequence OR c.refunded_e4 > o.refunded_e4 AS is_wrong
  FROM order_command c LEFT JOIN orders o ON o.lane = c.lane AND o.order_id = c.order_id
  UNION ALL
  SELECT 'pay:' || r.reference, c.times IS DISTINCT FROM 1 OR c.order_id <> r.order_id
  FROM payment_reference r LEFT JOIN (
    SELECT key, min(order_id) AS order_id, count(*) AS times FROM order_command WHERE command = 'pay' GROUP BY key
  ) AS c ON c.key = 'pay:' || r.reference
)
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(example) FILTER (WHERE is_wrong))[1:5] AS examples
FROM judged;

-- name: reveals_are_by_their_own
-- Lines that say who saw an order's cards: in the name of the order's organisation, by a key of it or a person.
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(audit_id::text) FILTER (WHERE is_wrong))[1:5] AS examples
FROM (
  SELECT a.audit_id, o.org_id IS DISTINCT FROM a.org_id
      OR CASE WHEN k.key_id IS NULL THEN p.person_id IS NULL ELSE k.org_id <> a.org_id END AS is_wrong
  FROM audit_line a LEFT JOIN orders o ON o.lane = a.lane AND o.order_id = a.subject_id
  LEFT JOIN api_key k ON k.lane = a.lane AND k.key_id = a.actor_id
  LEFT JOIN person p ON p.person_id = a.actor_id
  WHERE a.act = 'order.reveal'
) AS judged;

-- name: subjects_belong_to_their_organisation
-- Audit lines, events, and transfers of wallets, whose subject is an order, a key or an organisation: the one that
-- they are about. Jobs of orders have an order. Sales and the events of orders have laws of their own.
WITH said AS (
  SELECT 'audit line' AS what, lane, audit_id AS id, subject_id, org_id FROM audit_line WHERE act <> 'order.reveal'
  UNION ALL SELECT 'event', lane, event_id, subject_id, org_id FROM event WHERE kind NOT LIKE 'order.%'
  UNION ALL SELECT 'transfer', t.lane, t.transfer_id, t.subject_id, a.org_id
  FROM transfer t JOIN account a ON a.lane = t.lane AND a.account_id = t.debit_account AND a.code = 'wallet'
  WHERE t.code <> 'sale'
  UNION ALL SELECT 'transfer', t.lane, t.transfer_id, t.subject_id, a.org_id
  FROM transfer t JOIN account a ON a.lane = t.lane AND a.account_id = t.credit_account AND a.code = 'wallet'
  WHERE t.code <> 'sale'
  UNION ALL SELECT 'job', lane, job_id, subject_id, NULL FROM job WHERE kind LIKE 'fulfilment.%' OR kind LIKE 'orders.%'
), judged AS (
  SELECT s.what, s.id, CASE s.what WHEN 'job' THEN o.order_id IS NULL
      ELSE coalesce(coalesce(
        CASE s.what WHEN 'transfer' THEN (o.split ->> 'payer_id')::bigint END, o.org_id, k.org_id, g.org_id
      ) <> s.org_id, false) END AS is_wrong
  FROM said s LEFT JOIN orders o ON o.lane = s.lane AND o.order_id = s.subject_id
  LEFT JOIN api_key k ON k.lane = s.lane AND k.key_id = s.subject_id
  LEFT JOIN organisation g ON g.lane = s.lane AND g.org_id = s.subject_id
)
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(format('%s %s', what, id)) FILTER (WHERE is_wrong))[1:5] AS examples
FROM judged;

-- name: adjustments_are_booked_once
-- Adjustments and the transfers of their code: one each, of its amount, on its wallet, under its key. A pending or a
-- refused one has none.
WITH booked AS (
  SELECT t.lane, t.subject_id AS adjustment_id, count(*) AS times, min(t.transfer_id) AS transfer_id,
         min(CASE WHEN a.account_id = t.credit_account THEN t.amount_e4 ELSE -t.amount_e4 END) AS amount_e4,
         min(a.org_id) AS org_id
  FROM transfer t JOIN account a ON a.lane = t.lane AND a.account_id IN (t.debit_account, t.credit_account)
    AND a.code = 'wallet'
  WHERE t.code = 'adjustment' GROUP BY t.lane, t.subject_id
), judged AS (
  SELECT coalesce(d.adjustment_id, b.adjustment_id) AS adjustment_id,
         d.adjustment_id IS NULL
           OR CASE WHEN d.state = 'executed'
                THEN (b.times, b.transfer_id, b.amount_e4, b.org_id)
                       IS DISTINCT FROM (1::bigint, d.transfer_id, d.amount_e4, d.org_id)
                     OR k.transfer_id IS DISTINCT FROM d.transfer_id OR d.needs_second AND d.decided_by IS NULL
                ELSE b.adjustment_id IS NOT NULL END AS is_wrong
  FROM adjustment d FULL JOIN booked b USING (lane, adjustment_id)
  LEFT JOIN transfer_key k ON k.lane = d.lane AND k.key = 'adjustment:' || d.request_key
)
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(adjustment_id::text) FILTER (WHERE is_wrong))[1:5] AS examples
FROM judged;

-- name: withdrawals_follow_their_holds
-- Withdrawals and the holds of amount and fee: open while it is, posted if it was paid, else let go. One bank reference
-- pays one, in whichever lane.
WITH held AS (
  SELECT w.lane, w.withdrawal_id, w.state, w.org_id, w.external_ref, p.hold_id, p.amount_e4,
         count(*) OVER (PARTITION BY w.external_ref, p.part) AS times
  FROM withdrawal w CROSS JOIN LATERAL (
    VALUES ('amount', w.hold_id, w.amount_e4 - w.fee_e4), ('fee', w.fee_hold_id, w.fee_e4)) AS p (part, hold_id, amount_e4)
  WHERE p.amount_e4 > 0
), judged AS (
  SELECT w.withdrawal_id, h.transfer_id IS NULL OR h.kind <> 'hold' OR h.debit_account <> w.org_id
      OR h.amount_e4 <> w.amount_e4 OR h.subject_id <> w.withdrawal_id
      OR w.external_ref IS NOT NULL AND w.times > 1
      OR (r.kind, r.amount_e4) IS DISTINCT FROM CASE
           WHEN w.state IN ('requested', 'checked', 'approved') THEN (NULL::text, NULL::bigint)
           WHEN w.state = 'paid' THEN ('post'::text, w.amount_e4) ELSE ('void'::text, w.amount_e4) END AS is_wrong
  FROM held w LEFT JOIN transfer h ON h.lane = w.lane AND h.transfer_id = w.hold_id
  LEFT JOIN transfer r ON r.lane = w.lane AND r.pending_id = w.hold_id
)
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(withdrawal_id::text) FILTER (WHERE is_wrong))[1:5] AS examples
FROM judged;

-- name: closed_months_stand
-- Sums of closed months beside those of the transfers inside, by account and code; each opens with what the one before
-- closed with. A transfer's month is the one inside its id, in China.
WITH moved AS (
  SELECT lane, account_id, code, sum(debit_e4) AS debit_e4, sum(credit_e4) AS credit_e4, count(*) AS transfers,
         date_trunc('month', to_timestamp(((transfer_id >> 22) + 1735689600000) / 1000) AT TIME ZONE 'UTC'
                             + interval '8 hours')::date AS month
  FROM (
    SELECT lane, transfer_id, debit_account AS account_id, code, amount_e4 AS debit_e4, 0 AS credit_e4
    FROM transfer WHERE kind IN ('posted', 'post')
    UNION ALL
    SELECT lane, transfer_id, credit_account, code, 0, amount_e4 FROM transfer WHERE kind IN ('posted', 'post')
  ) AS side
  WHERE lane IN (SELECT lane FROM month_close) GROUP BY lane, account_id, code, month
), kept AS (
  SELECT s.*, lag(closing_e4, 1, 0::bigint) OVER (PARTITION BY lane, account_id, code ORDER BY month) AS before_e4
  FROM month_sum s
), judged AS (
  SELECT coalesce(k.lane, m.lane) AS lane, coalesce(k.account_id, m.account_id) AS account_id,
         coalesce(k.month, m.month) AS month,
         (k.debit_e4, k.credit_e4, k.transfer_count, k.opening_e4)
           IS DISTINCT FROM (m.debit_e4::bigint, m.credit_e4::bigint, m.transfers, k.before_e4)
           OR k.account_id IS NULL AS is_wrong
  FROM kept k FULL JOIN moved m USING (lane, account_id, code, month)
  JOIN month_close c ON c.lane = coalesce(k.lane, m.lane) AND c.month = coalesce(k.month, m.month)
)
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(format('lane %s account %s %s', lane, account_id, to_char(month, 'YYYY-MM')))
         FILTER (WHERE is_wrong))[1:5] AS examples
FROM judged;

-- name: organisations_have_one_wallet
-- Organisations, each with one wallet in its lane and its currency.
WITH wallet AS (
  SELECT lane, account_id, org_id, currency FROM account WHERE code = 'wallet'
)
SELECT count(*) AS checked, count(*) FILTER (WHERE g.currency IS DISTINCT FROM w.currency) AS broken,
       (array_agg(coalesce(g.org_id, w.org_id)::text) FILTER (WHERE g.currency IS DISTINCT FROM w.currency))[1:5]
         AS examples
FROM organisation g FULL JOIN wallet w ON w.lane = g.lane AND w.org_id = g.org_id AND w.account_id = g.org_id;

-- name: ids_bear_their_lane
-- Rows of lane tables and the lane inside their ids; and no id is ahead of its lane's gate.
WITH row AS (
  SELECT 'order' AS what, lane, order_id AS id FROM orders
  UNION ALL SELECT 'transfer', lane, transfer_id FROM transfer
  UNION ALL SELECT 'event', lane, event_id FROM event
  UNION ALL SELECT 'job', lane, job_id FROM job
  UNION ALL SELECT 'audit line', lane, audit_id FROM audit_line
  UNION ALL SELECT 'organisation', lane, org_id FROM organisation
  UNION ALL SELECT 'key', lane, key_id FROM api_key
  UNION ALL SELECT 'adjustment', lane, adjustment_id FROM adjustment
  UNION ALL SELECT 'withdrawal', lane, withdrawal_id FROM withdrawal
), judged AS (
  SELECT r.what, r.id, l.lane IS NULL OR (r.id >> 12 & 1023) <> r.lane
      OR ((r.id >> 22) << 12 | (r.id & 4095)) > l.last_tick AS is_wrong
  FROM row r LEFT JOIN lane l USING (lane)
)
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(format('%s %s', what, id)) FILTER (WHERE is_wrong))[1:5] AS examples
FROM judged;

-- name: nonces_lie_in_drawers
-- Nonces of writes, each in one of the four drawers that are emptied in turn.
SELECT count(*) AS checked, count(*) FILTER (WHERE drawer NOT BETWEEN 0 AND 3 OR length(nonce_hash) <> 16) AS broken,
       (array_agg(format('lane %s drawer %s', lane, drawer))
         FILTER (WHERE drawer NOT BETWEEN 0 AND 3 OR length(nonce_hash) <> 16))[1:5] AS examples
FROM nonce;

-- name: secrets_are_sealed
-- Every sealed value, whether its head is right and its key number is one of $1 (any, where that is null).
WITH value AS (
  SELECT 'card' AS what, card_id AS id, sealed FROM card
  UNION ALL SELECT 'reusable card', original_id, sealed FROM reusable_card
  UNION ALL SELECT 'key', key_id, sealed_secret FROM api_key WHERE sealed_secret IS NOT NULL
  UNION ALL SELECT 'account of order', order_id, account FROM orders WHERE account IS NOT NULL
  UNION ALL SELECT 'payee of withdrawal', withdrawal_id, payee FROM withdrawal
  UNION ALL SELECT 'contact of order', order_id, contact FROM order_payment WHERE contact IS NOT NULL
  UNION ALL SELECT 'answer to order', order_id, sealed FROM manual_answer
  UNION ALL SELECT 'image of order', order_id, image FROM manual_answer WHERE image IS NOT NULL
  UNION ALL SELECT 'address of message', message_id, address FROM message
  UNION ALL SELECT 'address of subscription', subscription_id, address FROM notice_subscription
  UNION ALL SELECT 'secret of webhook', secret_id, sealed FROM webhook_secret
), judged AS (
  SELECT what, id, CASE
      WHEN length(sealed) < 31 THEN true
      WHEN get_byte(sealed, 0) <> 1 THEN true
      ELSE NOT coalesce(get_byte(sealed, 1) * 256 + get_byte(sealed, 2) = ANY ($1::int[]), true)
    END AS is_wrong
  FROM value
)
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(format('%s %s', what, id)) FILTER (WHERE is_wrong))[1:5] AS examples
FROM judged;

-- name: passwords_are_wiped
-- Final orders; those whose account holds a password became final within the hour.
WITH late AS (
  SELECT p.lane, p.order_id FROM order_password p JOIN orders o USING (lane, order_id)
  JOIN event e ON e.lane = p.lane AND e.subject_id = p.order_id AND e.sequence = o.sequence
  WHERE e.at < now() - interval '1 hour'
)
SELECT count(*) AS checked, count(*) FILTER (WHERE l.lane IS NOT NULL) AS broken,
       (array_agg(order_id::text) FILTER (WHERE l.lane IS NOT NULL))[1:5] AS examples
FROM orders o LEFT JOIN late l USING (lane, order_id)
WHERE o.state IN ('settled', 'delivered', 'expired', 'cancelled', 'refunded');

-- name: marks_find_accounts
-- Marks, each with an order that still has an account; and so what is listed as holding a password.
SELECT count(*) AS checked, count(*) FILTER (WHERE o.account IS NULL) AS broken,
       (array_agg(order_id::text) FILTER (WHERE o.account IS NULL))[1:5] AS examples
FROM (SELECT lane, order_id FROM order_mark UNION ALL SELECT lane, order_id FROM order_password) AS m
LEFT JOIN orders o USING (lane, order_id);

-- name: nothing_changes_what_was_written
-- The triggers that refuse to change transfers, audit lines, SKU revisions, closed months and commands, in place and
-- enabled.
WITH wall (relation, name) AS (
  VALUES ('transfer', 'transfer_stands'), ('audit_line', 'audit_line_stands'), ('sku_revision', 'sku_revision_stands'),
         ('month_sum', 'month_sum_stands'), ('month_close', 'month_close_stands'),
         ('order_command', 'order_command_stands')
), judged AS (
  SELECT w.name, t.oid IS NULL AS is_wrong
  FROM wall w LEFT JOIN pg_trigger t ON t.tgrelid = to_regclass(w.relation) AND t.tgname = w.name
    AND t.tgenabled IN ('O', 'A') AND t.tgfoid = to_regproc('refuse_change') AND t.tgtype & 58 = 58
)
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(name) FILTER (WHERE is_wrong))[1:5] AS examples
FROM judged;

-- name: webhooks_pass_nothing_by
-- What was owed to endpoints in the last three days, since each was last changed, up to its cursor: delivered, late (a
-- row), or overtaken by a later event of its subject; and late rows, each of an event that is owed to its endpoint.
-- A minute after a change is left out: whoever delivers learns of it a moment later.
WITH known AS (
  SELECT e.lane, e.endpoint_id, e.org_id, e.kinds, e.cursor_id, greatest(
      coalesce(max(a.audit_id), e.endpoint_id) + (60000::bigint << 22),
      ((extract(epoch FROM now() - interval '3 days') * 1000)::bigint - 1735689600000) << 22) AS since_id
  FROM webhook_endpoint e LEFT JOIN audit_line a ON a.lane = e.lane AND a.subject_id = e.endpoint_id
    AND a.act IN ('webhook.create', 'webhook.change', 'webhook.disable')
  WHERE e.state <> 'removed' GROUP BY e.lane, e.endpoint_id
), owed AS (
  SELECT k.lane, k.endpoint_id, k.cursor_id, v.event_id, v.subject_id,
         v.sequence < max(v.sequence) OVER (PARTITION BY k.lane, k.endpoint_id, v.subject_id) AS is_overtaken
  FROM known k JOIN event v ON v.lane = k.lane AND v.org_id = k.org_id AND v.due AND v.event_id > k.since_id
  WHERE k.kinds = '{}' OR EXISTS (
    SELECT FROM unnest(k.kinds) AS w (kind)
    WHERE w.kind = v.kind OR right(w.kind, 2) = '.*' AND starts_with(v.kind, left(w.kind, -1)))
), delivered AS (
  SELECT DISTINCT l.lane, l.endpoint_id, x.event_id
  FROM webhook_log l, unnest(l.event_ids, l.statuses, l.faults) AS x (event_id, status, fault)
  WHERE x.status BETWEEN 200 AND 299 AND x.fault = ''
), judged AS (
  SELECT o.event_id::text AS example,
         o.event_id <= o.cursor_id AND NOT o.is_overtaken AND d.event_id IS NULL AND w.subject_id IS NULL AS is_wrong
  FROM owed o LEFT JOIN delivered d USING (lane, endpoint_id, event_id)
  LEFT JOIN webhook_late w ON w.lane = o.lane AND w.endpoint_id = o.endpoint_id AND w.subject_id = o.subject_id
  UNION ALL
  SELECT format('late %s', l.subject_id), v.due IS DISTINCT FROM true OR v.org_id IS DISTINCT FROM e.org_id
  FROM webhook_late l LEFT JOIN webhook_endpoint e ON e.lane = l.lane AND e.endpoint_id = l.endpoint_id
  LEFT JOIN event v ON v.lane = l.lane AND v.subject_id = l.subject_id AND v.sequence = l.sequence
  UNION ALL
  SELECT k.endpoint_id::text, k.cursor_id >> 22 > n.last_tick >> 12 FROM known k JOIN lane n USING (lane)
)
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(example) FILTER (WHERE is_wrong))[1:5] AS examples
FROM judged;

-- name: webhooks_say_why_they_rest
-- Endpoints, each in the state that its last act left it in, and disabled for the reason that was written down then;
-- and organisations with an active endpoint or an open feed, whose events are due.
WITH act AS (
  SELECT DISTINCT ON (lane, subject_id) lane, subject_id, CASE act
      WHEN 'webhook.create' THEN 'active' WHEN 'webhook.disable' THEN 'disabled' ELSE data ->> 'state'
    END AS state, coalesce(data ->> 'reason', '') AS reason
  FROM audit_line WHERE act IN ('webhook.create', 'webhook.change', 'webhook.disable')
  ORDER BY lane, subject_id, audit_id DESC
), judged AS (
  SELECT e.endpoint_id AS id, a.state IS DISTINCT FROM e.state OR a.reason <> e.reason AS is_wrong
  FROM webhook_endpoint e LEFT JOIN act a ON a.lane = e.lane AND a.subject_id = e.endpoint_id
  WHERE e.state <> 'removed'
  UNION ALL
  SELECT w.org_id, o.wants_events IS DISTINCT FROM true FROM (
    SELECT lane, org_id FROM webhook_endpoint WHERE state = 'active' UNION SELECT lane, org_id FROM event_feed
  ) AS w LEFT JOIN organisation o ON o.lane = w.lane AND o.org_id = w.org_id
)
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(id::text) FILTER (WHERE is_wrong))[1:5] AS examples
FROM judged;

-- name: returns_are_booked_once
-- What staff says went back to guests, each booked once under its reference; and orders of which something went back
-- so, each with no more than was set aside for it in suspense.
WITH booked AS (
  SELECT k.key, t.lane, t.transfer_id, t.subject_id AS order_id, t.amount_e4
  FROM transfer t LEFT JOIN transfer_key k ON k.lane = t.lane AND k.transfer_id = t.transfer_id
  WHERE t.code = 'payment_returned'
), judged AS (
  SELECT coalesce(r.reference, b.transfer_id::text) AS example,
         r.order_id IS DISTINCT FROM b.order_id OR r.amount_e4 IS DISTINCT FROM b.amount_e4 AS is_wrong
  FROM payment_return r FULL JOIN booked b ON b.key = 'payment_returned:' || r.reference
  UNION ALL
  SELECT b.order_id::text, b.amount_e4 > coalesce(s.amount_e4, 0)
  FROM (SELECT lane, order_id, sum(amount_e4) AS amount_e4 FROM booked GROUP BY lane, order_id) AS b
  LEFT JOIN (
    SELECT t.lane, t.subject_id AS order_id, sum(t.amount_e4) AS amount_e4 FROM transfer t
    JOIN account a ON a.lane = t.lane AND a.account_id = t.credit_account AND a.code = 'suspense'
    WHERE t.code IN ('refund', 'stray_payment') GROUP BY t.lane, t.subject_id
  ) AS s USING (lane, order_id)
)
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(example) FILTER (WHERE is_wrong))[1:5] AS examples
FROM judged;
