-- name: level_prices
-- Every level price.
SELECT sku_id, level, price_e4 FROM level_price;

-- name: named_prices
-- Every named price.
SELECT sku_id, org_id, price_e4 FROM named_price;

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
INSERT INTO named_price (sku_id, org_id, price_e4, changed) VALUES ($1, $2, $3, $6::bigint)
ON CONFLICT (sku_id, org_id) DO UPDATE SET price_e4 = excluded.price_e4, changed = excluded.changed;

-- name: set_tier
-- Puts one quantity tier in place and logs what it was.
WITH logged AS (
  INSERT INTO price_change (at, sku_id, what, before_e4, after_e4, actor_id)
  SELECT $4::timestamptz, $1, 'tier:' || $2::int,
         (SELECT off_per_mille FROM quantity_tier WHERE sku_id = $1 AND quantity_from = $2), $3, $5::bigint
)
INSERT INTO quantity_tier (sku_id, quantity_from, off_per_mille, changed) VALUES ($1, $2, $3, $6::bigint)
ON CONFLICT (sku_id, quantity_from) DO UPDATE SET off_per_mille = excluded.off_per_mille, changed = excluded.changed;
