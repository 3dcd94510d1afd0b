-- name: insert_shop
-- A new shop; no row where the organisation has one.
INSERT INTO shop (org_id, domain, name, tagline, accent, notice, contact, state, is_house, footer, icp, changed,
                  created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT (org_id) DO NOTHING RETURNING org_id;

-- name: update_shop
-- Changes a shop.
UPDATE shop SET domain = $2, name = $3, tagline = $4, accent = $5, notice = $6, contact = $7, state = $8, footer = $9,
       icp = $10, logo = $11, sells = $12, domain_wanted = $13, domain_proof = $14, domain_answer = $15, changed = $16
WHERE org_id = $1;

-- name: read_shop
-- One shop, locked, for its owner to change.
SELECT org_id, domain, name, tagline, accent, notice, contact, state, is_house, footer, icp, logo, sells, domain_wanted,
       domain_proof, domain_answer, changed
FROM shop WHERE org_id = $1 FOR UPDATE;

-- name: find_shop
-- One shop as it stands.
SELECT org_id, domain, name, tagline, accent, notice, contact, state, is_house, footer, icp, logo, sells, domain_wanted,
       domain_proof, domain_answer, changed
FROM shop WHERE org_id = $1;

-- name: changed_shops
-- Shops that changed since an epoch.
SELECT org_id, domain, name, tagline, accent, notice, contact, state, is_house, footer, icp, logo, sells, domain_wanted,
       domain_proof, domain_answer, changed
FROM shop WHERE changed > $1;

-- name: goods_of
-- What these shops show and hide.
SELECT org_id, scope, which, shown FROM shop_goods WHERE org_id = ANY($1::bigint[]);

-- name: clear_goods
-- A shop's rules about goods, gone before new ones stand.
DELETE FROM shop_goods WHERE org_id = $1;

-- name: insert_goods
-- What a shop shows and hides.
INSERT INTO shop_goods (org_id, scope, which, shown)
SELECT $1, g.scope, g.which, g.shown FROM unnest($2::text[], $3::text[], $4::bool[]) AS g (scope, which, shown);

-- name: set_logo
-- A shop's picture.
INSERT INTO shop_logo (org_id, content) VALUES ($1, $2) ON CONFLICT (org_id) DO UPDATE SET content = excluded.content;

-- name: remove_logo
-- A shop has no picture any more.
DELETE FROM shop_logo WHERE org_id = $1;

-- name: read_logo
-- A shop's picture.
SELECT content FROM shop_logo WHERE org_id = $1;

-- name: insert_review
-- A review; no row where the order has one.
INSERT INTO review (lane, order_id, sku_id, org_id, seller_id, stars, body, author, state, written_at)
VALUES ($1::smallint, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING RETURNING order_id;

-- name: change_review
-- The staff's verdict, or the answer of who sold it ($5; NULL: whoever did); returns who wrote it.
UPDATE review SET state = coalesce($3::text, state), answer = coalesce($4::text, answer),
  answered_at = CASE WHEN $4::text IS NULL THEN answered_at WHEN $4 = '' THEN NULL ELSE $6::timestamptz END
WHERE lane = $1::smallint AND order_id = $2 AND ($5::bigint IS NULL OR seller_id = $5)
RETURNING org_id;

-- name: read_review
-- An order's review.
SELECT order_id, sku_id, org_id, seller_id, stars, body, author, state, answer, answered_at, written_at
FROM review WHERE lane = $1::smallint AND order_id = $2;

-- name: weigh_reviews
-- How many are shown of some SKUs in these lanes, their weight by age, and their stars so weighed: the newest 1,000 of
-- each lane and SKU.
SELECT count(*), coalesce(sum(w.weight), 0)::float8, coalesce(sum(w.weight * w.stars), 0)::float8
FROM unnest($1::smallint[]) AS l (lane) CROSS JOIN unnest($2::bigint[]) AS s (sku_id)
CROSS JOIN LATERAL (
  SELECT r.stars, power(0.5, extract(epoch FROM $3::timestamptz - r.written_at) / 86400 / $4::float8) AS weight
  FROM review r WHERE r.lane = l.lane AND r.sku_id = s.sku_id AND r.state = 'shown'
  ORDER BY r.order_id DESC LIMIT 1000
) AS w;

-- name: list_reviews
-- What is shown of some SKUs in these lanes, below the cursor, newest orders first.
SELECT n.* FROM unnest($1::smallint[]) AS l (lane) CROSS JOIN unnest($2::bigint[]) AS s (sku_id)
CROSS JOIN LATERAL (
  SELECT r.order_id, r.sku_id, r.org_id, r.seller_id, r.stars, r.body, r.author, r.state, r.answer, r.answered_at,
         r.written_at
  FROM review r WHERE r.lane = l.lane AND r.sku_id = s.sku_id AND r.state = 'shown' AND r.order_id < $3
  ORDER BY r.order_id DESC LIMIT $4::int
) AS n ORDER BY n.order_id DESC LIMIT $4::int;

-- name: list_pending
-- What waits for the staff in these lanes, below the cursor.
SELECT n.* FROM unnest($1::smallint[]) AS l (lane)
CROSS JOIN LATERAL (
  SELECT r.order_id, r.sku_id, r.org_id, r.seller_id, r.stars, r.body, r.author, r.state, r.answer, r.answered_at,
         r.written_at
  FROM review r WHERE r.lane = l.lane AND r.state = 'pending' AND r.order_id < $2
  ORDER BY r.order_id DESC LIMIT $3::int
) AS n ORDER BY n.order_id DESC LIMIT $3::int;

-- name: read_guests
-- Who stands for a shop's guests.
SELECT org_id FROM shop_guests WHERE shop_id = $1;

-- name: insert_guests
-- From now on somebody does.
INSERT INTO shop_guests (shop_id, org_id) VALUES ($1, $2);

-- name: insert_sale
-- A sale to come; no row where its SKU has one that did not end.
INSERT INTO flash_sale (sale_id, sku_id, starts_at, ends_at, buyer_max, planned_by)
SELECT $1::bigint, $2::bigint, $3::timestamptz, $4::timestamptz, $5::int, $6::bigint
WHERE NOT EXISTS (SELECT FROM flash_sale WHERE sku_id = $2 AND state <> 'over') RETURNING sale_id;

-- name: open_sales
-- Sales that did not end, the next to end first.
SELECT sale_id, sku_id, starts_at, ends_at, buyer_max, state FROM flash_sale WHERE state <> 'over' ORDER BY ends_at;

-- name: set_sale_state
-- A sale begins, or ends.
UPDATE flash_sale SET state = $2 WHERE sale_id = $1;
