-- name: spread
-- Every lane with how many organisations it has.
SELECT lane, organisations FROM lane ORDER BY lane;

-- name: count_organisations
-- Organisations that came to a lane otherwise than by choose_lane.
UPDATE lane SET organisations = organisations + $2::int WHERE lane = $1::smallint;

-- name: insert_organisations
-- Made-up merchants of one lane.
INSERT INTO organisation (lane, org_id, name, kind, level, wants_events, changed, founded_at)
SELECT $1::smallint, o.org_id, o.name, 'merchant', o.level, o.wants_events, $2, $3::timestamptz
FROM unnest($4::bigint[], $5::text[], $6::smallint[], $7::bool[]) AS o (org_id, name, level, wants_events);

-- name: insert_wallets
-- Their wallets.
INSERT INTO account (lane, account_id, org_id, code, currency)
SELECT $1::smallint, o.org_id, o.org_id, 'wallet', 'CNY' FROM unnest($2::bigint[]) AS o (org_id);

-- name: insert_keys
-- A key for each, with every right.
INSERT INTO api_key (lane, key_id, org_id, name, scopes, sealed_secret, changed, created_at)
SELECT $1::smallint, k.key_id, k.org_id, 'made up', $2::text[], k.sealed, $3, $4::timestamptz
FROM unnest($5::bigint[], $6::bigint[], $7::bytea[]) AS k (key_id, org_id, sealed);

-- name: insert_transfer_keys
-- The keys that recharges were asked for with.
INSERT INTO transfer_key (lane, key, transfer_id)
SELECT $1::smallint, t.key, t.transfer_id FROM unnest($2::text[], $3::bigint[]) AS t (key, transfer_id);

-- name: made_up_merchants
-- The made-up merchants of a lane with the oldest key that works.
SELECT o.org_id, min(k.key_id) AS key_id, o.level
FROM organisation o JOIN api_key k ON k.lane = o.lane AND k.org_id = o.org_id
WHERE o.lane = $1::smallint AND o.name LIKE $2 || ' %' AND o.sandbox_of IS NULL AND o.state = 'active'
  AND k.state = 'active' AND k.expires_at IS NULL
GROUP BY o.org_id, o.level ORDER BY o.org_id;

-- name: standing_keys
-- Which of these keys are there.
SELECT k.key_id FROM api_key k JOIN unnest($1::smallint[], $2::bigint[]) AS w (lane, key_id)
  ON k.lane = w.lane AND k.key_id = w.key_id;

-- name: level_prices
-- Which level prices there are.
SELECT sku_id, level FROM level_price;

-- name: insert_batches
-- A batch of cards for each SKU, with nothing in it yet.
INSERT INTO card_batch (batch_id, sku_id, file_name, cost_e4, loaded, refused, loaded_by, loaded_at)
SELECT b.batch_id, b.sku_id, $1, b.cost_e4, b.loaded, 0, 0, $2::timestamptz
FROM unnest($3::bigint[], $4::bigint[], $5::bigint[], $6::int[]) AS b (batch_id, sku_id, cost_e4, loaded);

-- name: count_batches
-- What came to each batch.
UPDATE card_batch c SET loaded = c.loaded + b.count
FROM unnest($1::bigint[], $2::int[]) AS b (batch_id, count) WHERE c.batch_id = b.batch_id;

-- name: add_on_hand
-- Counts cards that came to a lane's shelves.
INSERT INTO allotment (lane, sku_id, on_hand)
SELECT $1::smallint, a.sku_id, a.count FROM unnest($2::bigint[], $3::int[]) AS a (sku_id, count) ORDER BY a.sku_id
ON CONFLICT (lane, sku_id) DO UPDATE SET on_hand = allotment.on_hand + excluded.on_hand;

-- name: is_in_earnest
-- Whether there are merchants or cards here that Kameng did not make up.
SELECT EXISTS (SELECT FROM organisation WHERE sandbox_of IS NULL AND kind <> 'platform' AND name NOT LIKE $1 || '%')
    OR EXISTS (SELECT FROM card_batch WHERE file_name <> ALL ($2::text[]));

-- name: earliest_id
-- The lowest id of everything in a lane that history could meet.
SELECT least((SELECT min(order_id) FROM orders WHERE lane = $1::smallint),
             (SELECT min(transfer_id) FROM transfer WHERE lane = $1::smallint),
             (SELECT min(card_id) FROM card WHERE lane = $1::smallint)) AS id;

-- name: age_payments
-- Payments of the demo: begun just before they were paid and booked just after, or so many days ago.
UPDATE payment SET begun_at = coalesce(paid_at - make_interval(mins => 1), begun_at - make_interval(days => $3::int)),
       expires_at = coalesce(paid_at + make_interval(mins => 14), expires_at - make_interval(days => $3::int)),
       booked_at = paid_at + make_interval(secs => 2)
WHERE lane = $1::smallint AND payment_id = ANY($2::bigint[]);
