-- name: changed_skus
-- SKUs that changed since an epoch, flat.
SELECT s.sku_id, s.revision, c.name AS scene, b.name AS brand, p.name AS product, s.spec, s.kind,
       s.face_value_e4, s.face_currency, s.cost_e4, s.list_price_e4, s.floor_e4, s.ceiling_e4, s.below_cost_allowed,
       s.form, s.region, s.note, s.quantity_min, s.quantity_max, s.quantity_step, s.refundable, s.reversible, s.state,
       s.delivery_promise_minutes, s.redeem_instructions, s.barcode, s.confirm_days, s.external_ref, s.worked_by,
       s.pickable, s.pick_fee_e4, s.discount_percent_e4, s.parts
FROM sku s JOIN product p USING (product_id) JOIN scene c USING (scene_id) JOIN brand b USING (brand_id)
WHERE s.changed > $1;

-- name: list_changes
-- SKUs that changed after a place in the feed, each at its latest revision, in the order of their changes. Epochs are
-- ordered by commit, so nothing comes in later before a place that was read.
SELECT s.changed, s.sku_id, r.at
FROM sku s JOIN sku_revision r ON r.sku_id = s.sku_id AND r.revision = s.revision
WHERE (s.changed, s.sku_id) > ($1::bigint, $2::bigint)
ORDER BY s.changed, s.sku_id LIMIT $3::int;

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

-- name: insert_sku
-- A new SKU from its snapshot, under the product of that brand and name.
INSERT INTO sku (product_id, spec, kind, face_value_e4, face_currency, cost_e4, list_price_e4, floor_e4, ceiling_e4,
                 below_cost_allowed, form, region, note, quantity_min, quantity_max, quantity_step, refundable,
                 reversible, state, delivery_promise_minutes, redeem_instructions, barcode, confirm_days, external_ref,
                 worked_by, discount_percent_e4, parts, pickable, pick_fee_e4, changed)
SELECT p.product_id, n.spec, n.kind, n.face_value_e4, n.face_currency, n.cost_e4, n.list_price_e4, n.floor_e4,
       n.ceiling_e4, n.below_cost_allowed, n.form, n.region, n.note, n.quantity_min, n.quantity_max, n.quantity_step,
       n.refundable, n.reversible, n.state, n.delivery_promise_minutes, n.redeem_instructions, n.barcode, n.confirm_days,
       n.external_ref, n.worked_by, n.discount_percent_e4, n.parts, n.pickable, n.pick_fee_e4, $4::bigint
FROM product p JOIN brand b USING (brand_id) CROSS JOIN jsonb_populate_record(NULL::sku, $3::jsonb) AS n
WHERE b.name = $1 AND p.name = $2;

-- name: set_sku
-- Puts what may change of one SKU in place from its snapshot, as a new revision.
UPDATE sku s SET
  kind = n.kind, face_value_e4 = n.face_value_e4, face_currency = n.face_currency, cost_e4 = n.cost_e4,
  list_price_e4 = n.list_price_e4, floor_e4 = n.floor_e4, ceiling_e4 = n.ceiling_e4,
  below_cost_allowed = n.below_cost_allowed, form = n.form, region = n.region, note = n.note,
  quantity_min = n.quantity_min, quantity_max = n.quantity_max, quantity_step = n.quantity_step,
  refundable = n.refundable, reversible = n.reversible, state = n.state,
  delivery_promise_minutes = n.delivery_promise_minutes, redeem_instructions = n.redeem_instructions,
  barcode = n.barcode, confirm_days = n.confirm_days, external_ref = n.external_ref, worked_by = n.worked_by,
  discount_percent_e4 = n.discount_percent_e4, parts = n.parts, pickable = n.pickable, pick_fee_e4 = n.pick_fee_e4,
  revision = s.revision + 1, changed = $3::bigint
FROM jsonb_populate_record(NULL::sku, $2::jsonb) AS n
WHERE s.sku_id = $1;

-- name: log_price_changes
-- Prices that stand with their SKU: what each was and is (调价记录).
INSERT INTO price_change (at, sku_id, what, before_e4, after_e4, actor_id)
SELECT $1::timestamptz, c.sku_id, c.what, c.before_e4, c.after_e4, $2::bigint
FROM unnest($3::bigint[], $4::text[], $5::bigint[], $6::bigint[]) AS c (sku_id, what, before_e4, after_e4);

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

-- name: insert_price_run
-- A run of prices as it was put in place.
INSERT INTO price_run (run_id, at, actor_id, reason, rule, prices) VALUES ($1, $2, $3, $4, $5, $6);

-- name: read_price_run
-- One run; held until its transaction ends.
SELECT run_id, at, actor_id, reason, rule, prices, undone_at, undone_by FROM price_run WHERE run_id = $1 FOR UPDATE;

-- name: price_runs
-- The newest runs.
SELECT run_id, at, actor_id, reason, rule, prices, undone_at, undone_by FROM price_run ORDER BY at DESC LIMIT $1::int;

-- name: undo_price_run
-- It was taken back.
UPDATE price_run SET undone_at = $2, undone_by = $3 WHERE run_id = $1 AND undone_at IS NULL;

-- name: read_forms
-- Order forms made at the desk, of these names.
SELECT name, title, fields FROM order_form WHERE name = ANY($1::text[]);

-- name: read_fields
-- Fields made at the desk, of these names.
SELECT name, spec FROM order_field WHERE name = ANY($1::text[]);

-- name: all_forms
-- Every form made at the desk, newest first.
SELECT name, title, fields, made_at, made_by FROM order_form ORDER BY made_at DESC;

-- name: insert_form
-- A new form; nothing, if its name is taken.
INSERT INTO order_form (name, title, fields, made_at, made_by) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING RETURNING name;

-- name: insert_field
-- A new field; nothing, if its name is taken.
INSERT INTO order_field (name, spec) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING name;
