-- What else a SKU carries: what its buyer is promised and told, and what a till scans.
ALTER TABLE sku
  ADD COLUMN delivery_promise_minutes int CHECK (delivery_promise_minutes BETWEEN 0 AND 525600), -- NULL: no promise
  ADD COLUMN redeem_instructions text NOT NULL DEFAULT '',
  ADD COLUMN barcode text NOT NULL DEFAULT '' CHECK (barcode ~ '^([0-9]{8}|[0-9]{12,14})?$'); -- EAN, UPC, GTIN

-- after release

-- A bundle has no parts yet, and a parcel without an address goes nowhere: neither is on sale. Those that were are
-- paused, as a revision like any other.
WITH barred AS (
  SELECT sku_id FROM sku
  WHERE state = 'on_sale' AND (kind = 'bundle' OR kind = 'parcel' AND form !~ '(^|\+)address(\+|$)')
), bumped AS (
  UPDATE epoch SET value = value + 1 WHERE topic = 'catalogue' AND EXISTS (SELECT FROM barred) RETURNING value
), paused AS (
  UPDATE sku s SET state = 'paused', revision = s.revision + 1, changed = bumped.value
  FROM barred, bumped WHERE s.sku_id = barred.sku_id
  RETURNING s.sku_id, s.revision
)
INSERT INTO sku_revision (sku_id, revision, at, snapshot)
SELECT p.sku_id, p.revision, now(), r.snapshot || jsonb_build_object('state', 'paused', 'revision', p.revision)
FROM paused p JOIN sku_revision r ON r.sku_id = p.sku_id AND r.revision = p.revision - 1;

ALTER TABLE sku ADD CONSTRAINT sku_can_be_sold
  CHECK (state <> 'on_sale' OR kind <> 'bundle' AND (kind <> 'parcel' OR form ~ '(^|\+)address(\+|$)'));
