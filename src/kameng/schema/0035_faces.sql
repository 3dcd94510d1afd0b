-- Leftovers of the pages: one list of a merchant's orders, shared views, second factors that are asked for, the share
-- that a buyer may have of a sale, how long goods take.

UPDATE saved_view SET path = '/merchant/orders' WHERE path = '/merchant/worklist';

-- A view for everybody who works for the organisation; whose it is may take it away.
ALTER TABLE saved_view ADD COLUMN is_shared boolean NOT NULL DEFAULT false;
CREATE INDEX saved_view_shared ON saved_view (org_id, path) WHERE is_shared;

-- Whoever works for such an organisation signs in with a second factor, or for nobody.
CREATE TABLE factor_rule (
  lane smallint NOT NULL,
  org_id bigint NOT NULL,
  since timestamptz NOT NULL,
  set_by bigint NOT NULL,
  PRIMARY KEY (lane, org_id)
);

-- So many pieces of a SKU for each buyer, between two seconds; counted in `lane_counter` under its number, which lies
-- below those of all other rules.
CREATE TABLE risk_share (
  share_id int GENERATED ALWAYS AS IDENTITY (INCREMENT BY -1 MINVALUE -2147483648 MAXVALUE -1001 START WITH -1001)
    PRIMARY KEY,
  sku_id bigint NOT NULL,
  starts_s bigint NOT NULL,                       -- Unix seconds
  ends_s bigint NOT NULL,
  buyer_max int NOT NULL CHECK (buyer_max > 0),
  CHECK (starts_s < ends_s)
);
CREATE INDEX risk_share_end ON risk_share (ends_s);

-- Sales that did not end go on with what was taken of them.
INSERT INTO risk_share (sku_id, starts_s, ends_s, buyer_max)
SELECT sku_id, extract(epoch FROM starts_at)::bigint, extract(epoch FROM ends_at)::bigint, buyer_max
FROM flash_sale WHERE state <> 'over' AND extract(epoch FROM starts_at)::bigint < extract(epoch FROM ends_at)::bigint;
INSERT INTO lane_counter (lane, entity_id, rule_id, window_start, taken_count, taken_e4)
SELECT f.lane, f.org_id, r.share_id, r.ends_s, count(*), sum(f.quantity)
FROM flash_share f JOIN flash_sale s ON s.sale_id = f.sale_id AND s.state <> 'over'
JOIN risk_share r ON r.sku_id = s.sku_id GROUP BY f.lane, f.org_id, r.share_id, r.ends_s;

-- How long goods take from the order to what was ordered: the median of the newest orders, measured by the clock.
CREATE TABLE sku_pace (
  sku_id bigint PRIMARY KEY,
  median_ms bigint NOT NULL CHECK (median_ms >= 0),
  orders int NOT NULL CHECK (orders > 0),         -- so many were looked at
  measured_at timestamptz NOT NULL
);

-- Offers that were answered, as operators look back at them.
CREATE INDEX supplier_offer_decided ON supplier_offer (lane, decided_at, offer_id) WHERE decided_at IS NOT NULL;

-- after release
DROP TABLE flash_share;
