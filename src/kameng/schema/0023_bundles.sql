-- Bundles: a SKU of several others, which follows them (its cost, its form, by choice its list price).
ALTER TABLE sku
  ADD COLUMN parts jsonb NOT NULL DEFAULT '[]',  -- in their order; each with its share of the price, a gift with none
  ADD COLUMN discount_percent_e4 int,            -- below the list prices of its parts; NULL: its list price is its own
  ADD CONSTRAINT sku_parts_check
    CHECK (jsonb_typeof(parts) = 'array' AND (kind = 'bundle' OR parts = '[]' AND discount_percent_e4 IS NULL)) NOT VALID,
  ADD CONSTRAINT sku_discount_percent_e4_check CHECK (discount_percent_e4 BETWEEN 0 AND 999999) NOT VALID;

ALTER TABLE sku DROP CONSTRAINT sku_can_be_sold;
ALTER TABLE sku ADD CONSTRAINT sku_can_be_sold CHECK (
  state <> 'on_sale'
  OR (kind <> 'bundle' OR parts <> '[]') AND (kind <> 'parcel' OR form ~ '(^|\+)address(\+|$)')) NOT VALID;

-- The parts of orders of bundles, as their revision of the bundle names them. Other orders have none.
CREATE TABLE order_part (
  lane smallint NOT NULL,
  order_id bigint NOT NULL,
  part_no smallint NOT NULL CHECK (part_no > 0),
  sku_id bigint NOT NULL,
  sku_revision int NOT NULL,
  kind text NOT NULL,
  quantity int NOT NULL CHECK (quantity > 0),    -- pieces, of all the bundles of the order
  worth_e4 bigint NOT NULL CHECK (worth_e4 >= 0), -- of the order's total; goes back if it can't be delivered
  state text NOT NULL CHECK (state IN ('waiting', 'delivered', 'failed', 'refunded')),
  card_ids bigint[] NOT NULL DEFAULT '{}',       -- of the order's
  PRIMARY KEY (lane, order_id, part_no)
);

-- after release

ALTER TABLE sku VALIDATE CONSTRAINT sku_parts_check;
ALTER TABLE sku VALIDATE CONSTRAINT sku_discount_percent_e4_check;
ALTER TABLE sku VALIDATE CONSTRAINT sku_can_be_sold;
