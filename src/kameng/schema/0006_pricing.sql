CREATE TABLE level_price (
  sku_id bigint NOT NULL REFERENCES sku,
  level smallint NOT NULL CHECK (level BETWEEN 0 AND 99),
  price_e4 bigint NOT NULL CHECK (price_e4 > 0),
  changed bigint NOT NULL,
  PRIMARY KEY (sku_id, level)
);
CREATE TABLE named_price (                       -- 密价
  sku_id bigint NOT NULL REFERENCES sku,
  org_id bigint NOT NULL,
  price_e4 bigint NOT NULL CHECK (price_e4 > 0),
  changed bigint NOT NULL,
  PRIMARY KEY (sku_id, org_id)
);
CREATE TABLE quantity_tier (
  sku_id bigint NOT NULL REFERENCES sku,
  quantity_from int NOT NULL CHECK (quantity_from >= 2),
  off_per_mille int NOT NULL CHECK (off_per_mille BETWEEN 1 AND 999), -- of the unit price so far
  changed bigint NOT NULL,
  PRIMARY KEY (sku_id, quantity_from)
);
CREATE TABLE price_change (
  change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL,
  sku_id bigint NOT NULL,
  what text NOT NULL,                            -- list, cost, floor, ceiling, level:3, named:ORG, tier:10
  before_e4 bigint,
  after_e4 bigint,
  actor_id bigint NOT NULL
);
