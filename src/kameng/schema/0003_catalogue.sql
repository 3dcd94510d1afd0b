CREATE TABLE scene (
  scene_id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL UNIQUE,
  position int NOT NULL DEFAULT 0
);
CREATE TABLE brand (
  brand_id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL UNIQUE
);
CREATE TABLE product (
  product_id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  scene_id int NOT NULL REFERENCES scene,
  brand_id int NOT NULL REFERENCES brand,
  name text NOT NULL,
  UNIQUE (brand_id, name)
);
CREATE TABLE sku (
  sku_id bigint GENERATED ALWAYS AS IDENTITY (START 100001) PRIMARY KEY,
  product_id int NOT NULL REFERENCES product,
  spec text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('secret', 'topup', 'link', 'manual', 'parcel', 'bundle')),
  face_value_e4 bigint NOT NULL CHECK (face_value_e4 >= 0),
  face_currency text NOT NULL DEFAULT 'CNY',
  cost_e4 bigint NOT NULL CHECK (cost_e4 >= 0),
  list_price_e4 bigint NOT NULL CHECK (list_price_e4 > 0),
  floor_e4 bigint CHECK (floor_e4 >= 0),
  ceiling_e4 bigint CHECK (ceiling_e4 >= floor_e4),
  below_cost_allowed boolean NOT NULL DEFAULT false,
  form text NOT NULL DEFAULT '',                 -- name of the account form
  region text NOT NULL DEFAULT '全国',
  note text NOT NULL DEFAULT '',
  quantity_min int NOT NULL DEFAULT 1 CHECK (quantity_min >= 1),
  quantity_max int NOT NULL DEFAULT 100 CHECK (quantity_max BETWEEN quantity_min AND 1000),
  quantity_step int NOT NULL DEFAULT 1 CHECK (quantity_step >= 1),
  refundable boolean NOT NULL DEFAULT false,
  reversible boolean NOT NULL DEFAULT false,
  state text NOT NULL DEFAULT 'on_sale' CHECK (state IN ('on_sale', 'paused', 'withdrawn')),
  revision int NOT NULL DEFAULT 1,
  changed bigint NOT NULL,
  UNIQUE (product_id, spec)
);
CREATE INDEX sku_changed ON sku (changed);

-- An order keeps (sku_id, revision): every revision stands for ever, so old orders show what was bought.
CREATE TABLE sku_revision (
  sku_id bigint NOT NULL REFERENCES sku,
  revision int NOT NULL,
  at timestamptz NOT NULL,
  snapshot jsonb NOT NULL,
  PRIMARY KEY (sku_id, revision)
);
CREATE TRIGGER sku_revision_stands BEFORE UPDATE OR DELETE OR TRUNCATE ON sku_revision
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
