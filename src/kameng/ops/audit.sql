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
-- Orders, each with its organisation and a key of that organisation, or with the person who placed it at a page: who
-- has left the organisation since is still there.
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(order_id::text) FILTER (WHERE is_wrong))[1:5] AS examples
FROM (
  SELECT o.order_id, g.org_id IS NULL
      OR o.key_id <> 0 AND k.org_id IS DISTINCT FROM o.org_id AND p.person_id IS NULL AS is_wrong
  FROM orders o LEFT JOIN organisation g USING (lane, org_id)
  LEFT JOIN api_key k ON k.lane = o.lane AND k.key_id = o.key_id
  LEFT JOIN person p ON p.person_id = o.key_id
) AS judged;

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
           WHEN w.state = 'paid' AND u.payout_id IS NULL THEN ('post'::text, w.amount_e4) ELSE ('void'::text, w.amount_e4) END AS is_wrong
  FROM held w LEFT JOIN transfer h ON h.lane = w.lane AND h.transfer_id = w.hold_id
  LEFT JOIN transfer r ON r.lane = w.lane AND r.pending_id = w.hold_id
  LEFT JOIN payout u ON u.lane = w.lane AND u.payout_id = w.withdrawal_id
)
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(withdrawal_id::text) FILTER (WHERE is_wrong))[1:5] AS examples
FROM judged;

-- name: payouts_are_booked
-- Payouts beside their withdrawals and what they moved: from the wallet into suspense once, and out of it once they
-- ended, to the bank and fees or back. One whose provider is still asked has its job, and one in a bank's file its file.
WITH moved AS (
  SELECT lane, subject_id AS payout_id,
         sum(amount_e4) FILTER (WHERE code IN ('withdrawal', 'withdrawal_fee') AND kind = 'posted') AS taken_e4,
         sum(amount_e4) FILTER (WHERE code = 'payout') AS paid_e4,
         sum(amount_e4) FILTER (WHERE code = 'payout_fee') AS fee_e4,
         sum(amount_e4) FILTER (WHERE code = 'refund_withdrawal') AS back_e4
  FROM transfer WHERE code IN ('withdrawal', 'withdrawal_fee', 'payout', 'payout_fee', 'refund_withdrawal')
  GROUP BY lane, subject_id
), judged AS (
  SELECT u.payout_id,
         w.withdrawal_id IS NULL OR (w.amount_e4, w.fee_e4, w.org_id) <> (u.amount_e4 + u.fee_e4, u.fee_e4, u.org_id)
      OR w.state <> CASE u.state WHEN 'done' THEN 'paid' WHEN 'failed' THEN 'failed' ELSE 'paying' END
      OR m.taken_e4 IS DISTINCT FROM w.amount_e4
      OR coalesce(m.paid_e4, 0) <> CASE u.state WHEN 'done' THEN u.amount_e4 ELSE 0 END
      OR coalesce(m.fee_e4, 0) <> CASE u.state WHEN 'done' THEN u.fee_e4 ELSE 0 END
      OR coalesce(m.back_e4, 0) <> CASE u.state WHEN 'failed' THEN w.amount_e4 ELSE 0 END
      OR u.method = 'alipay' AND u.state IN ('requested', 'sent', 'unknown') AND NOT EXISTS (
           SELECT FROM job j WHERE j.lane = u.lane AND j.subject_id = u.payout_id AND j.kind = 'payments.payout')
      OR u.method = 'bank' AND NOT EXISTS (
           SELECT FROM payout_batch b WHERE b.lane = 0 AND b.batch_id = u.batch_id) AS is_wrong
  FROM payout u LEFT JOIN withdrawal w ON w.lane = u.lane AND w.withdrawal_id = u.payout_id
  LEFT JOIN moved m ON m.lane = u.lane AND m.payout_id = u.payout_id
  UNION ALL
  SELECT w.withdrawal_id, true FROM withdrawal w WHERE w.state = 'paying'
    AND NOT EXISTS (SELECT FROM payout u WHERE u.lane = w.lane AND u.payout_id = w.withdrawal_id)
)
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(payout_id::text) FILTER (WHERE is_wrong))[1:5] AS examples
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
  UNION ALL SELECT 'to be paid', lane, payable_id FROM payable
  UNION ALL SELECT 'payment', lane, payment_id FROM payment
  UNION ALL SELECT 'refund', lane, refund_id FROM payment_refund
  UNION ALL SELECT 'epay trade', lane, trade_id FROM epay_trade
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
  UNION ALL SELECT 'piece of file', piece_id, sealed FROM blob_piece
  UNION ALL SELECT 'credentials of channel', channel_id, credentials FROM payment_channel
  UNION ALL SELECT 'keys of epay account', pid, secrets FROM epay_account
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
-- The triggers that refuse to change transfers, audit lines, SKU revisions, closed months, commands and what providers
-- told, in place and enabled.
WITH wall (relation, name) AS (
  VALUES ('transfer', 'transfer_stands'), ('audit_line', 'audit_line_stands'), ('sku_revision', 'sku_revision_stands'),
         ('month_sum', 'month_sum_stands'), ('month_close', 'month_close_stands'),
         ('order_command', 'order_command_stands'), ('payment_notice', 'payment_notice_stands')
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

-- name: card_files_count_exactly
-- Files of cards that were begun to be loaded: each counts as many cards as its batch has, and all of one that is done
-- were gone through.
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(run_id::text) FILTER (WHERE is_wrong))[1:5] AS examples
FROM (
  SELECT r.run_id, r.loaded IS DISTINCT FROM b.loaded OR (r.state = 'done' AND r.gone <> r.cards) AS is_wrong
  FROM card_run r LEFT JOIN card_batch b ON b.batch_id = r.batch_id WHERE r.batch_id IS NOT NULL
) AS judged;

-- name: kept_files_have_an_owner
-- Sealed files: each belongs to a document that was not taken back, or to cards that are not loaded yet.
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(blob_id::text) FILTER (WHERE is_wrong))[1:5] AS examples
FROM (
  SELECT f.blob_id, NOT EXISTS (
           SELECT FROM org_document d WHERE d.lane = f.lane AND d.document_id = f.blob_id AND d.state <> 'withdrawn')
         AND NOT EXISTS (
           SELECT FROM card_run r WHERE r.run_id = f.blob_id AND r.state IN ('arriving', 'reading', 'ready', 'loading'))
           AS is_wrong
  FROM (SELECT DISTINCT lane, blob_id FROM blob_piece) AS f
) AS judged;

-- name: payments_are_booked_once
-- Payments whose money came in, each with the one transfer out of its channel's account, of what its provider said was
-- paid; every such transfer is of one; and of those that are to pay one thing, one did.
WITH booked AS (
  SELECT t.lane, t.subject_id AS payment_id, count(*) AS times, min(t.transfer_id) AS transfer_id,
         sum(t.amount_e4) AS amount_e4, min(a.channel_id) AS channel_id, count(a.channel_id) AS of_channels
  FROM transfer t LEFT JOIN account a ON a.lane = t.lane AND a.account_id = t.debit_account AND a.code = 'channel'
  WHERE t.code = 'channel_payment' GROUP BY 1, 2
), judged AS (
  SELECT coalesce(p.payment_id, b.payment_id) AS payment_id,
         p.payment_id IS NULL OR (p.booked_at IS NULL) <> (b.payment_id IS NULL) OR b.payment_id IS NOT NULL AND (
           b.times <> 1 OR b.of_channels <> 1
           OR (b.transfer_id, b.amount_e4, b.channel_id) IS DISTINCT FROM (p.transfer_id, p.paid_e4, p.channel_id))
         OR p.taken_as IN ('order', 'recharge', 'collection') AND (y.state, y.payment_id) IS DISTINCT FROM ('paid', p.payment_id) AS is_wrong
  FROM (SELECT * FROM payment WHERE booked_at IS NOT NULL) AS p
  FULL JOIN booked b USING (lane, payment_id)
  LEFT JOIN payable y ON y.lane = p.lane AND y.payable_id = p.payable_id
)
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(payment_id::text) FILTER (WHERE is_wrong))[1:5] AS examples
FROM judged;

-- name: what_is_paid_was_paid_for
-- What was to be paid: paid by its own payment, which its order names, or whose recharge came to the wallet with what
-- was promised on top, or whose collection came to the wallet less the house's fee, which went to its fees; what a
-- wallet was to add is held while it is open, posted if it was paid, and else let go.
WITH credited AS (
  SELECT lane, subject_id AS payable_id, coalesce(sum(amount_e4) FILTER (WHERE code <> 'bonus'), 0) AS amount_e4,
         coalesce(sum(amount_e4) FILTER (WHERE code = 'bonus'), 0) AS bonus_e4,
         coalesce(sum(amount_e4) FILTER (WHERE code = 'collection_fee'), 0) AS fee_e4
  FROM transfer
  WHERE code IN ('recharge', 'bonus', 'collection', 'collection_fee') AND subject_id <> credit_account GROUP BY 1, 2
), judged AS (
  SELECT y.payable_id,
         y.state = 'paid' AND (p.payment_id IS NULL OR p.taken_as IS DISTINCT FROM y.kind
           OR CASE y.kind WHEN 'order' THEN o.payment_id IS DISTINCT FROM y.payment_id ELSE
             (c.amount_e4, c.bonus_e4, c.fee_e4)
             IS DISTINCT FROM (y.amount_e4::numeric, y.bonus_e4::numeric, y.fee_e4::numeric) END)
         OR y.state <> 'paid' AND (o.payment_id IS NOT NULL OR c.payable_id IS NOT NULL)
         OR y.hold_id IS NOT NULL AND (h.transfer_id IS NULL OR h.amount_e4 <> y.wallet_e4 OR h.debit_account <> y.org_id
           OR coalesce(r.kind, 'hold')
              <> CASE y.state WHEN 'open' THEN 'hold' WHEN 'paid' THEN 'post' ELSE 'void' END) AS is_wrong
  FROM payable y LEFT JOIN payment p ON p.lane = y.lane AND p.payment_id = y.payment_id AND p.payable_id = y.payable_id
  LEFT JOIN order_payment o ON o.lane = y.lane AND o.order_id = y.payable_id
  LEFT JOIN credited c ON c.lane = y.lane AND c.payable_id = y.payable_id
  LEFT JOIN transfer h ON h.lane = y.lane AND h.transfer_id = y.hold_id AND h.kind = 'hold'
  LEFT JOIN transfer r ON r.lane = y.lane AND r.pending_id = y.hold_id
)
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(payable_id::text) FILTER (WHERE is_wrong))[1:5] AS examples
FROM judged;

-- name: refunds_to_origin_are_booked
-- Refunds through channels: one that is done has its one transfer into its channel's account, others have none; what a
-- payment says was given back is what was, and no more is on its way than was paid. What goes back of a collection was
-- taken from its wallet, under the refund's own number.
WITH taken AS (
  SELECT t.lane, k.key, t.amount_e4, t.subject_id, t.debit_account
  FROM transfer t LEFT JOIN transfer_key k ON k.lane = t.lane AND k.transfer_id = t.transfer_id
  WHERE t.code = 'collection_refund'
), booked AS (
  SELECT t.lane, t.transfer_id, t.subject_id AS payment_id, t.amount_e4, a.channel_id
  FROM transfer t LEFT JOIN account a ON a.lane = t.lane AND a.account_id = t.credit_account AND a.code = 'channel'
  WHERE t.code = 'channel_refund'
), each AS (
  SELECT coalesce(r.payment_id, b.payment_id) AS payment_id,
         r.refund_id IS NULL OR (r.state = 'done') <> (b.transfer_id IS NOT NULL) OR b.transfer_id IS NOT NULL AND
         (b.payment_id, b.amount_e4, b.channel_id)
           IS DISTINCT FROM (coalesce(r.case_id, r.payment_id), r.amount_e4, r.channel_id) AS is_wrong
  FROM payment_refund r FULL JOIN booked b ON b.lane = r.lane AND b.transfer_id = r.transfer_id
  UNION ALL
  SELECT r.payment_id, (t.amount_e4, t.subject_id, t.debit_account) IS DISTINCT FROM (r.amount_e4, r.payable_id, r.org_id)
  FROM (SELECT * FROM payment_refund WHERE cause = 'collection') AS r
  FULL JOIN taken t ON t.lane = r.lane AND t.key = 'collection_refund:' || r.refund_no
), together AS (
  SELECT p.payment_id, p.refunded_e4 <> coalesce(sum(r.amount_e4) FILTER (WHERE r.state = 'done'), 0)
      OR coalesce(sum(r.amount_e4) FILTER (WHERE r.state <> 'failed'), 0) > coalesce(p.paid_e4, 0) AS is_wrong
  FROM payment p LEFT JOIN payment_refund r ON r.lane = p.lane AND r.payment_id = p.payment_id
  WHERE p.booked_at IS NOT NULL OR r.refund_id IS NOT NULL GROUP BY p.lane, p.payment_id, p.refunded_e4, p.paid_e4
)
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(payment_id::text) FILTER (WHERE is_wrong))[1:5] AS examples
FROM (SELECT * FROM each UNION ALL SELECT * FROM together) AS judged;

-- name: differences_go_back_to_their_origin
-- Refunds of differences, each of one that chose it; and differences that chose it: on the way back or back, as their one
-- refund is. What a person gave back by hand of what is no order's left suspense once.
WITH by_hand AS (
  SELECT t.lane, t.subject_id, t.amount_e4, k.key FROM transfer t
  LEFT JOIN transfer_key k ON k.lane = t.lane AND k.transfer_id = t.transfer_id WHERE t.code = 'refund_by_hand'
), judged AS (
  SELECT coalesce(r.case_id, c.case_id)::text AS example,
         r.refund_id IS NULL OR c.case_id IS NULL OR r.channel_id <> c.channel_id
         OR (c.state = 'resolved' AND r.state <> 'done' AND r.hand_no IS NULL) AS is_wrong
  FROM (SELECT * FROM payment_refund WHERE case_id IS NOT NULL) AS r
  FULL JOIN (SELECT * FROM bill_case WHERE act = 'refund' AND state IN ('returning', 'resolved')) AS c USING (lane, case_id)
  UNION ALL
  SELECT coalesce(r.refund_id::text, b.key), r.refund_id IS NULL OR b.key IS NULL OR r.amount_e4 <> b.amount_e4
  FROM (
    SELECT r.* FROM payment_refund r LEFT JOIN payable y ON y.lane = r.lane AND y.payable_id = r.payable_id
    WHERE r.hand_no IS NOT NULL AND y.kind IS DISTINCT FROM 'order') AS r
  FULL JOIN by_hand b ON b.lane = r.lane AND b.key = 'refund_by_hand:' || r.refund_id
)
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(example) FILTER (WHERE is_wrong))[1:5] AS examples
FROM judged;

-- name: open_payments_are_looked_after
-- Payments whose money may come, each with the job that asks its provider, but for those that were asked about for a day
-- after their end; refunds under way, each with its job; and money that came late or twice, with its refund, or the job
-- that makes one.
WITH wanted AS (
  SELECT lane, payment_id AS subject_id, 'payments.query' AS kind, payment_id FROM payment
  WHERE state IN ('created', 'waiting', 'unknown') AND NOT (state = 'unknown' AND expires_at < now() - interval '1 day')
    AND code NOT IN ('other_account', 'other_currency')
  UNION ALL
  SELECT lane, refund_id, 'payments.refund', payment_id FROM payment_refund WHERE state IN ('requested', 'sent', 'unknown')
), judged AS (
  SELECT w.payment_id, NOT EXISTS (SELECT FROM job j
      WHERE j.lane = w.lane AND j.subject_id = w.subject_id AND j.kind = w.kind) AS is_wrong
  FROM wanted w
  UNION ALL
  SELECT p.payment_id, NOT EXISTS (SELECT FROM payment_refund r WHERE r.lane = p.lane AND r.payment_id = p.payment_id)
    AND NOT EXISTS (SELECT FROM job j WHERE j.lane = p.lane AND j.subject_id = p.payable_id
                    AND j.kind = 'payments.give_back' AND (j.payload ->> 'payment_id')::bigint = p.payment_id)
  FROM payment p WHERE p.taken_as IN ('late', 'double')
)
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(payment_id::text) FILTER (WHERE is_wrong))[1:5] AS examples
FROM judged;

-- name: acknowledged_notices_are_done
-- Notices that were set down and acknowledged: each has its effect within ten minutes, or an item on the desk.
WITH judged AS (
  SELECT i.event_id, i.at < now() - interval '10 minutes' AND NOT EXISTS (SELECT FROM job j
      WHERE j.lane = i.lane AND j.kind = 'payments.deferred'
        AND j.payload @> jsonb_build_object('channel', i.channel_id, 'event', i.event_id)) AS is_wrong
  FROM payment_inbox i
)
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(event_id) FILTER (WHERE is_wrong))[1:5] AS examples
FROM judged;

-- name: epay_shops_are_told
-- Payments that epay shops wished for: one that is paid counts as paid, or has the job that counts it; its shop heard, or
-- was told often enough, or has the job that tells it; and it is of what its shop wished for.
WITH judged AS (
  SELECT t.trade_id,
         y.payable_id IS NOT NULL AND (y.kind, y.org_id, y.amount_e4, y.fee_e4)
                                      IS DISTINCT FROM ('collection', t.org_id, t.amount_e4, t.fee_e4)
         OR CASE
              WHEN y.state IS DISTINCT FROM 'paid' THEN t.paid_at IS NOT NULL
              WHEN t.paid_at IS NULL THEN p.taken_as = 'collection' AND NOT EXISTS (SELECT FROM job j
                WHERE j.lane = t.lane AND j.subject_id = t.trade_id AND j.kind = 'payments.collected')
              ELSE t.told = '' AND NOT EXISTS (SELECT FROM job j
                WHERE j.lane = t.lane AND j.subject_id = t.trade_id AND j.kind = 'epay.tell')
            END AS is_wrong
  FROM epay_trade t LEFT JOIN payable y ON y.lane = t.lane AND y.payable_id = t.trade_id
  LEFT JOIN payment p ON p.lane = y.lane AND p.payment_id = y.payment_id
)
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(trade_id::text) FILTER (WHERE is_wrong))[1:5] AS examples
FROM judged;

-- name: agents_pay_what_they_collect
-- What agents' own channels brought for orders, each with as much out of its agent's wallet; and what went back through
-- them, with as much into it.
WITH own AS (
  SELECT p.lane, p.payment_id AS subject_id, 'collected' AS code, c.org_id, p.paid_e4 AS amount_e4
  FROM payment p JOIN payment_channel c USING (channel_id) WHERE c.org_id <> 0 AND p.taken_as = 'order'
  UNION ALL
  SELECT r.lane, r.refund_id, 'collected_back', c.org_id, r.amount_e4
  FROM payment_refund r JOIN payment_channel c USING (channel_id)
  JOIN payment p ON p.lane = r.lane AND p.payment_id = r.payment_id AND p.taken_as = 'order'
  WHERE c.org_id <> 0 AND r.state = 'done'
), moved AS (
  SELECT lane, subject_id, code, CASE code WHEN 'collected' THEN debit_account ELSE credit_account END AS org_id, amount_e4
  FROM transfer WHERE code IN ('collected', 'collected_back')
)
SELECT count(*) AS checked,
       count(*) FILTER (WHERE (o.org_id, o.amount_e4) IS DISTINCT FROM (m.org_id, m.amount_e4)) AS broken,
       (array_agg(subject_id::text) FILTER (WHERE (o.org_id, o.amount_e4) IS DISTINCT FROM (m.org_id, m.amount_e4)))[1:5]
         AS examples
FROM own o FULL JOIN moved m USING (lane, subject_id, code);

-- name: channels_hold_what_is_unmatched
-- Accounts of payment channels, each with what its provider owes: payments that came in and refunds that were done, less
-- what bills and bank statements settled, but for what cases keep away from it.
WITH own AS (
  SELECT lane, channel_id, sum(owed_e4) AS owed_e4 FROM (
    SELECT lane, channel_id, paid_e4 - fee_e4 AS owed_e4 FROM payment WHERE booked_at IS NOT NULL
    UNION ALL SELECT lane, channel_id, -amount_e4 FROM payment_refund WHERE state = 'done'
    UNION ALL SELECT lane, channel_id, fee_e4 - net_e4 FROM bill_settlement
    UNION ALL SELECT lane, channel_id, rest_e4 FROM bill_case
    UNION ALL SELECT lane, channel_id, -settled_e4 FROM bank_credit
    UNION ALL SELECT t.lane, a.channel_id, CASE t.code WHEN 'collected' THEN -t.amount_e4 ELSE t.amount_e4 END
    FROM transfer t JOIN account a ON a.lane = t.lane AND a.code = 'channel'
      AND a.account_id = CASE t.code WHEN 'collected' THEN t.credit_account ELSE t.debit_account END
    WHERE t.code IN ('collected', 'collected_back')
  ) AS each GROUP BY lane, channel_id
), judged AS (
  SELECT coalesce(a.channel_id, o.channel_id) AS channel_id,
         -coalesce(a.posted_e4, 0) <> coalesce(o.owed_e4, 0) AS is_wrong
  FROM (SELECT lane, channel_id, posted_e4 FROM account WHERE code = 'channel') AS a
  FULL JOIN own o USING (lane, channel_id)
)
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(channel_id::text) FILTER (WHERE is_wrong))[1:5] AS examples
FROM judged;

-- name: bills_are_settled_whole
-- Bills, lane by lane: what was settled of one is the sum of its lines, and left nothing to be opened; channels, each
-- with as much moved to the bank as its settlements say.
WITH line AS (
  SELECT lane, channel_id, day, count(*) AS lines,
         sum(CASE kind WHEN 'payment' THEN amount_e4 ELSE -amount_e4 END - fee_e4) AS net_e4
  FROM bill_line GROUP BY lane, channel_id, day
), moved AS (
  SELECT t.lane, t.subject_id AS channel_id,
         sum(CASE WHEN a.account_id = t.credit_account THEN t.amount_e4 ELSE -t.amount_e4 END) AS net_e4
  FROM transfer t JOIN account a ON a.lane = t.lane AND a.channel_id = t.subject_id AND a.code = 'channel'
  WHERE t.code = 'bill_settled' GROUP BY 1, 2
), judged AS (
  SELECT format('%s %s', coalesce(s.channel_id, l.channel_id), coalesce(s.day, l.day)) AS example,
         coalesce(s.lines, 0) <> coalesce(l.lines, 0) OR coalesce(s.net_e4, 0) <> coalesce(l.net_e4, 0)
         OR s.left_keys IS DISTINCT FROM '{}' AS is_wrong
  FROM bill_settlement s FULL JOIN line l USING (lane, channel_id, day)
  JOIN bill b ON b.channel_id = coalesce(s.channel_id, l.channel_id) AND b.day = coalesce(s.day, l.day)
    AND b.state IN ('settled', 'closed')
  UNION ALL
  SELECT s.channel_id::text, s.net_e4 <> coalesce(m.net_e4, 0)
  FROM (SELECT lane, channel_id, sum(net_e4) AS net_e4 FROM bill_settlement GROUP BY lane, channel_id) AS s
  LEFT JOIN moved m USING (lane, channel_id)
)
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(example) FILTER (WHERE is_wrong))[1:5] AS examples
FROM judged;

-- name: differences_lie_in_suspense
-- Differences between bills and books: one that is open has its money in suspense, and so has one that offsets another or
-- went back to its origin, for what went on from there; of
-- any other that is resolved nothing is left there; and no such money is of none.
WITH held AS (
  SELECT t.lane, t.subject_id AS case_id,
         sum(CASE WHEN a.account_id = t.credit_account THEN t.amount_e4 ELSE -t.amount_e4 END) AS held_e4
  FROM transfer t JOIN account a ON a.lane = t.lane AND a.code = 'suspense'
    AND a.account_id IN (t.debit_account, t.credit_account)
  WHERE t.code = 'bill_case' GROUP BY 1, 2
), judged AS (
  SELECT coalesce(c.case_id, h.case_id) AS case_id, c.case_id IS NULL OR coalesce(h.held_e4, 0)
    <> CASE WHEN c.state <> 'resolved' OR c.act IN ('offset', 'refund') THEN c.suspense_e4 ELSE 0 END AS is_wrong
  FROM bill_case c FULL JOIN held h USING (lane, case_id)
)
SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS broken,
       (array_agg(case_id::text) FILTER (WHERE is_wrong))[1:5] AS examples
FROM judged;
