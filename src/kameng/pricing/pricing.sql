-- name: level_prices
-- Every level price.
SELECT sku_id, level, price_e4 FROM level_price;

-- name: named_prices
-- Every named price.
SELECT sku_id, org_id, price_e4, seller_id FROM named_price;

-- name: quantity_tiers
-- Every tier, rising.
SELECT sku_id, quantity_from, off_per_mille FROM quantity_tier ORDER BY sku_id, quantity_from;

-- name: set_level_prices
-- Puts level prices in place and logs what they were.
WITH new AS (
  SELECT * FROM unnest($1::bigint[], $2::smallint[], $3::bigint[]) AS t (sku_id, level, price_e4)
), logged AS (
  INSERT INTO price_change (at, sku_id, what, before_e4, after_e4, actor_id)
  SELECT $4::timestamptz, n.sku_id, 'level:' || n.level, o.price_e4, n.price_e4, $5::bigint
  FROM new n LEFT JOIN level_price o USING (sku_id, level) WHERE o.price_e4 IS DISTINCT FROM n.price_e4
)
INSERT INTO level_price (sku_id, level, price_e4, changed) SELECT sku_id, level, price_e4, $6::bigint FROM new
ON CONFLICT (sku_id, level) DO UPDATE SET price_e4 = excluded.price_e4, changed = excluded.changed;

-- name: set_named_price
-- Puts one named price in place and logs what it was.
WITH logged AS (
  INSERT INTO price_change (at, sku_id, what, before_e4, after_e4, actor_id)
  SELECT $4::timestamptz, $1, 'named:' || $2::bigint,
         (SELECT price_e4 FROM named_price WHERE sku_id = $1 AND org_id = $2), $3, $5::bigint
)
INSERT INTO named_price (sku_id, org_id, price_e4, changed, seller_id) VALUES ($1, $2, $3, $6::bigint, $7::bigint)
ON CONFLICT (sku_id, org_id) DO UPDATE SET price_e4 = excluded.price_e4, changed = excluded.changed,
  seller_id = excluded.seller_id;

-- name: set_tier
-- Puts one quantity tier in place and logs what it was.
WITH logged AS (
  INSERT INTO price_change (at, sku_id, what, before_e4, after_e4, actor_id)
  SELECT $4::timestamptz, $1, 'tier:' || $2::int,
         (SELECT off_per_mille FROM quantity_tier WHERE sku_id = $1 AND quantity_from = $2), $3, $5::bigint
)
INSERT INTO quantity_tier (sku_id, quantity_from, off_per_mille, changed) VALUES ($1, $2, $3, $6::bigint)
ON CONFLICT (sku_id, quantity_from) DO UPDATE SET off_per_mille = excluded.off_per_mille, changed = excluded.changed;

-- name: remove_level_price
-- Takes one level price away and logs what it was; the id of the log's row, if there was one.
WITH gone AS (DELETE FROM level_price WHERE sku_id = $1 AND level = $2::bigint RETURNING price_e4)
INSERT INTO price_change (at, sku_id, what, before_e4, after_e4, actor_id)
SELECT $3::timestamptz, $1, 'level:' || $2::bigint, price_e4, NULL, $4::bigint FROM gone RETURNING change_id;

-- name: remove_named_price
-- Takes one named price away and logs what it was; the id of the log's row, if there was one.
WITH gone AS (DELETE FROM named_price WHERE sku_id = $1 AND org_id = $2::bigint RETURNING price_e4)
INSERT INTO price_change (at, sku_id, what, before_e4, after_e4, actor_id)
SELECT $3::timestamptz, $1, 'named:' || $2::bigint, price_e4, NULL, $4::bigint FROM gone RETURNING change_id;

-- name: remove_tier
-- Takes one quantity tier away and logs what it was; the id of the log's row, if there was one.
WITH gone AS (DELETE FROM quantity_tier WHERE sku_id = $1 AND quantity_from = $2::bigint RETURNING off_per_mille)
INSERT INTO price_change (at, sku_id, what, before_e4, after_e4, actor_id)
SELECT $3::timestamptz, $1, 'tier:' || $2::bigint, off_per_mille, NULL, $4::bigint FROM gone RETURNING change_id;

-- name: prices_of_sku
-- Every price rule of one SKU, in words of the log: level:3, named:ORG, tier:10.
SELECT what, value FROM (
  SELECT 1 AS part, level::bigint AS place, 'level:' || level AS what, price_e4 AS value
  FROM level_price WHERE sku_id = $1
  UNION ALL SELECT 2, org_id, 'named:' || org_id, price_e4 FROM named_price WHERE sku_id = $1
  UNION ALL SELECT 3, quantity_from, 'tier:' || quantity_from, off_per_mille FROM quantity_tier WHERE sku_id = $1
) AS rule ORDER BY part, place;

-- name: markups
-- Every agent's templates.
SELECT agent_id, scope, which, level, fixed_e4, percent_e4, unit_e4, rounding, ending_e4 FROM markup;

-- name: markups_of_agent
-- One agent's templates; those that hold for the fewest goods first.
SELECT agent_id, scope, which, level, fixed_e4, percent_e4, unit_e4, rounding, ending_e4
FROM markup WHERE agent_id = $1
ORDER BY array_position(ARRAY['sku', 'brand', 'scene', 'all'], scope), which, level;

-- name: agent_bounds
-- Every bound on what agents may ask.
SELECT owner_id, sku_id, floor_e4, ceiling_e4 FROM agent_bound;

-- name: set_markup
-- Puts one template in place and logs what it was.
WITH logged AS (
  INSERT INTO price_change (at, sku_id, what, actor_id, before, after)
  SELECT $10::timestamptz, CASE $2::text WHEN 'sku' THEN $3::text::bigint ELSE 0 END,
         format('markup:%s:%s:%s:%s', $1::bigint, $2::text, $3::text, $4::smallint), $11::bigint,
         (SELECT jsonb_build_object('fixed_e4', fixed_e4, 'percent_e4', percent_e4, 'unit_e4', unit_e4,
                                    'rounding', rounding, 'ending_e4', ending_e4)
          FROM markup WHERE agent_id = $1 AND scope = $2 AND which = $3 AND level = $4), $13::jsonb
)
INSERT INTO markup (agent_id, scope, which, level, fixed_e4, percent_e4, unit_e4, rounding, ending_e4, changed)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $12::bigint)
ON CONFLICT (agent_id, scope, which, level) DO UPDATE SET fixed_e4 = excluded.fixed_e4,
  percent_e4 = excluded.percent_e4, unit_e4 = excluded.unit_e4, rounding = excluded.rounding,
  ending_e4 = excluded.ending_e4, changed = excluded.changed;

-- name: remove_markup
-- Takes one template away and logs what it was; the id of the log's row, if there was one.
WITH gone AS (
  DELETE FROM markup WHERE agent_id = $1 AND scope = $2::text AND which = $3::text AND level = $4::smallint
  RETURNING jsonb_build_object('fixed_e4', fixed_e4, 'percent_e4', percent_e4, 'unit_e4', unit_e4,
                               'rounding', rounding, 'ending_e4', ending_e4) AS before
)
INSERT INTO price_change (at, sku_id, what, actor_id, before)
SELECT $5::timestamptz, CASE $2::text WHEN 'sku' THEN $3::text::bigint ELSE 0 END,
       format('markup:%s:%s:%s:%s', $1::bigint, $2::text, $3::text, $4::smallint), $6::bigint, before
FROM gone RETURNING change_id;

-- name: set_agent_bound
-- Puts the bounds of one owner on one SKU in place and logs what they were.
WITH old AS (
  SELECT max(floor_e4) AS floor_e4, max(ceiling_e4) AS ceiling_e4 FROM agent_bound WHERE owner_id = $1 AND sku_id = $2
), logged AS (
  INSERT INTO price_change (at, sku_id, what, before_e4, after_e4, actor_id)
  SELECT $5::timestamptz, $2, c.what || ':' || $1::bigint, c.before_e4, c.after_e4, $6::bigint
  FROM old, LATERAL (VALUES ('floor', old.floor_e4, $3::bigint), ('ceiling', old.ceiling_e4, $4::bigint))
    AS c (what, before_e4, after_e4)
  WHERE c.before_e4 IS DISTINCT FROM c.after_e4
)
INSERT INTO agent_bound (owner_id, sku_id, floor_e4, ceiling_e4, changed) VALUES ($1, $2, $3, $4, $7::bigint)
ON CONFLICT (owner_id, sku_id) DO UPDATE SET floor_e4 = excluded.floor_e4, ceiling_e4 = excluded.ceiling_e4,
  changed = excluded.changed;

-- name: remove_agent_bound
-- Takes the bounds of one owner on one SKU away and logs what they were; the ids of the log's rows.
WITH gone AS (DELETE FROM agent_bound WHERE owner_id = $1 AND sku_id = $2 RETURNING floor_e4, ceiling_e4)
INSERT INTO price_change (at, sku_id, what, before_e4, after_e4, actor_id)
SELECT $3::timestamptz, $2, c.what || ':' || $1::bigint, c.before_e4, NULL, $4::bigint
FROM gone, LATERAL (VALUES ('floor', gone.floor_e4), ('ceiling', gone.ceiling_e4)) AS c (what, before_e4)
WHERE c.before_e4 IS NOT NULL RETURNING change_id;
-- name: changes_before
-- The log below the cursor, newest first: what may concern a buyer of this name ($1) and level ($2), and no cost.
SELECT change_id, at, sku_id, what, before_e4, after_e4 FROM price_change
WHERE change_id < $3 AND (what IN ('list', 'floor', 'ceiling', $1, $2) OR starts_with(what, 'tier:'))
ORDER BY change_id DESC LIMIT $4::int;

-- name: changes_of_skus
-- The same of these SKUs, from the newest back to a row.
SELECT change_id, at, sku_id, what, before_e4, after_e4 FROM price_change
WHERE sku_id = ANY ($3::bigint[]) AND change_id >= $4
  AND (what IN ('list', 'floor', 'ceiling', $1, $2) OR starts_with(what, 'tier:'))
ORDER BY change_id DESC;

-- name: sku_prices
-- What the unit prices of these SKUs follow from, for one buyer, as they are now.
SELECT s.sku_id, s.list_price_e4, s.floor_e4, s.ceiling_e4, l.price_e4 AS level_e4, n.price_e4 AS named_e4
FROM sku s LEFT JOIN named_price n ON n.sku_id = s.sku_id AND n.org_id = $2
LEFT JOIN level_price l ON l.sku_id = s.sku_id AND l.level = $3::smallint
WHERE s.sku_id = ANY ($1::bigint[]);

-- name: hold_publishers
-- Waits for whoever publishes prices; who comes later has no row of the log yet.
SELECT FROM epoch WHERE topic IN ('catalogue', 'prices') ORDER BY topic FOR SHARE;

-- name: newest_change
-- The last row of the log.
SELECT coalesce(max(change_id), 0) FROM price_change;

-- name: told_up_to
-- Up to which row of the log a lane was told.
SELECT change_id FROM price_told WHERE lane = $1::smallint;

-- name: set_told
-- A lane is told up to this row of the log.
INSERT INTO price_told (lane, change_id) VALUES ($1::smallint, $2)
ON CONFLICT (lane) DO UPDATE SET change_id = greatest(price_told.change_id, excluded.change_id);

-- name: changes_since
-- The log beyond a row, newest first, without costs.
SELECT change_id, at, sku_id, what, before_e4, after_e4 FROM price_change
WHERE change_id > $1 AND what <> 'cost' ORDER BY change_id DESC;

-- name: listeners
-- Organisations of a lane that want events and buy from the platform, with their level. The log has the platform's
-- prices: to who buys from an agent they are his seller's cost.
SELECT org_id, level FROM organisation
WHERE lane = $1::smallint AND wants_events AND state = 'active' AND parent_id IS NULL ORDER BY org_id;

-- name: bounds_of_owner
-- The bounds that one owner has set.
SELECT sku_id, floor_e4, ceiling_e4 FROM agent_bound WHERE owner_id = $1 ORDER BY sku_id;

-- name: named_by
-- The named prices that one seller has set.
SELECT sku_id, org_id, price_e4 FROM named_price WHERE seller_id = $1 ORDER BY sku_id, org_id;

-- name: changes_below
-- The log from the newest back, as far as it may concern a buyer below agents: what is named in $1, and templates of
-- the agents $2. It is read so deep and no deeper.
SELECT change_id, at, sku_id, what, before_e4, after_e4, before FROM price_change
WHERE what = ANY ($1::text[]) OR split_part(what, ':', 1) = 'markup' AND split_part(what, ':', 2) = ANY ($2::text[])
ORDER BY change_id DESC LIMIT $3::int;

-- name: changes_between
-- The log beyond a row, up to another, newest first, without costs and tiers.
SELECT change_id, at, sku_id, what, before_e4, after_e4, before FROM price_change
WHERE change_id > $1 AND what <> 'cost' AND NOT starts_with(what, 'tier:') ORDER BY change_id DESC;

-- name: has_listeners_below
-- Whether anybody in a lane wants events and buys from an agent.
SELECT EXISTS (
  SELECT FROM organisation WHERE lane = $1::smallint AND wants_events AND state = 'active' AND parent_id IS NOT NULL);

-- name: listeners_below
-- Those that want events and buy from an agent, from an organisation on, with whom they buy from.
SELECT org_id, level, parent_id FROM organisation
WHERE lane = $1::smallint AND wants_events AND state = 'active' AND parent_id IS NOT NULL AND org_id > $2
ORDER BY org_id LIMIT $3::int;

-- name: sold_skus
-- What prices below agents follow from, of these SKUs, or of all that are on sale.
SELECT s.sku_id, b.name AS brand, c.name AS scene, s.list_price_e4, s.floor_e4, s.ceiling_e4
FROM sku s JOIN product p USING (product_id) JOIN brand b USING (brand_id) JOIN scene c USING (scene_id)
WHERE CASE WHEN $1::bigint[] IS NULL THEN s.state = 'on_sale' ELSE s.sku_id = ANY ($1::bigint[]) END
ORDER BY s.sku_id;

-- name: named_with_sellers
-- The named prices of these SKUs, with who set each.
SELECT sku_id, org_id, seller_id, price_e4 FROM named_price WHERE sku_id = ANY ($1::bigint[]);

-- name: bounds_of_skus
-- The bounds on these SKUs.
SELECT owner_id, sku_id, floor_e4, ceiling_e4 FROM agent_bound WHERE sku_id = ANY ($1::bigint[]);

-- name: level_prices_of
-- The level prices of these SKUs.
SELECT sku_id, level, price_e4 FROM level_price WHERE sku_id = ANY ($1::bigint[]);

-- name: named_prices_of
-- The named prices of these SKUs.
SELECT sku_id, org_id, price_e4 FROM named_price WHERE sku_id = ANY ($1::bigint[]);

-- name: own_prices_of
-- What stands with these SKUs themselves.
SELECT sku_id, list_price_e4, floor_e4, ceiling_e4 FROM sku WHERE sku_id = ANY ($1::bigint[]);

-- name: named_for
-- The named prices that one seller agreed with one buyer, a page of them.
SELECT sku_id, org_id, price_e4 FROM named_price
WHERE seller_id = $1 AND org_id = $2 AND sku_id > $3 AND seller_id <> 0 ORDER BY sku_id LIMIT $4::int;
