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
