-- name: changed_skus
-- SKUs that changed since an epoch, flat.
SELECT s.sku_id, s.revision, c.name AS scene, b.name AS brand, p.name AS product, s.spec, s.kind,
       s.face_value_e4, s.face_currency, s.cost_e4, s.list_price_e4, s.floor_e4, s.ceiling_e4, s.below_cost_allowed,
       s.form, s.region, s.note, s.quantity_min, s.quantity_max, s.quantity_step, s.refundable, s.reversible, s.state
FROM sku s JOIN product p USING (product_id) JOIN scene c USING (scene_id) JOIN brand b USING (brand_id)
WHERE s.changed > $1;

-- name: upsert_scenes
-- Scenes by name, in the order they were first seen.
INSERT INTO scene (name, position) SELECT n, o FROM unnest($1::text[]) WITH ORDINALITY AS t (n, o)
ON CONFLICT (name) DO NOTHING;

-- name: upsert_brands
-- Brands by name.
INSERT INTO brand (name) SELECT unnest($1::text[]) ON CONFLICT (name) DO NOTHING;

-- name: upsert_products
-- Products by brand and name.
INSERT INTO product (scene_id, brand_id, name)
SELECT c.scene_id, b.brand_id, t.name
FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS t (scene, brand, name, o)
JOIN scene c ON c.name = t.scene JOIN brand b ON b.name = t.brand
ORDER BY t.o
ON CONFLICT (brand_id, name) DO NOTHING;

-- name: upsert_sku
-- One SKU; an existing one gets a new revision only if something really changed. Returns it, or nothing.
INSERT INTO sku AS s (product_id, spec, kind, face_value_e4, face_currency, cost_e4, list_price_e4, form, region,
                      note, changed)
SELECT p.product_id, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12
FROM product p JOIN brand b USING (brand_id) WHERE b.name = $1 AND p.name = $2
ON CONFLICT (product_id, spec) DO UPDATE SET
  kind = excluded.kind, face_value_e4 = excluded.face_value_e4, face_currency = excluded.face_currency,
  cost_e4 = excluded.cost_e4, list_price_e4 = excluded.list_price_e4, form = excluded.form,
  region = excluded.region, note = excluded.note, revision = s.revision + 1, changed = excluded.changed
WHERE (s.kind, s.face_value_e4, s.face_currency, s.cost_e4, s.list_price_e4, s.form, s.region, s.note)
   IS DISTINCT FROM (excluded.kind, excluded.face_value_e4, excluded.face_currency, excluded.cost_e4,
                     excluded.list_price_e4, excluded.form, excluded.region, excluded.note)
RETURNING sku_id, (xmax = 0) AS is_new;

-- name: set_sku
-- Changes what may change on one SKU, as a new revision.
UPDATE sku SET list_price_e4 = $2, cost_e4 = $3, floor_e4 = $4, ceiling_e4 = $5, below_cost_allowed = $6,
  quantity_min = $7, quantity_max = $8, quantity_step = $9, state = $10, kind = $11, revision = revision + 1,
  changed = $12
WHERE sku_id = $1;

-- name: keep_revisions
-- The snapshot of every SKU stamped with this epoch; orders point to it for ever.
INSERT INTO sku_revision (sku_id, revision, at, snapshot)
SELECT t.sku_id, t.revision, $1, t.snapshot
FROM unnest($2::bigint[], $3::int[], $4::jsonb[]) AS t (sku_id, revision, snapshot)
ON CONFLICT DO NOTHING;

-- name: read_revisions
-- What SKUs were at given revisions.
SELECT r.sku_id, r.revision, r.snapshot FROM sku_revision r
JOIN unnest($1::bigint[], $2::int[]) AS w (sku_id, revision) USING (sku_id, revision);
