CREATE TABLE card_batch (
  batch_id bigint PRIMARY KEY,
  sku_id bigint NOT NULL REFERENCES sku,
  supplier_org_id bigint NOT NULL DEFAULT 0,     -- 0: the platform's own
  file_name text NOT NULL,
  cost_e4 bigint,
  expires_on date,
  loaded int NOT NULL,
  refused int NOT NULL,
  loaded_by bigint NOT NULL,
  loaded_at timestamptz NOT NULL
);

CREATE TABLE card (
  lane smallint NOT NULL,                        -- where it lies now; a stolen card moves
  card_id bigint NOT NULL,
  sku_id bigint NOT NULL,
  batch_id bigint NOT NULL,
  sealed bytea NOT NULL,
  expires_on date NOT NULL DEFAULT 'infinity',
  order_id bigint,                               -- the one order it was delivered to
  state text NOT NULL DEFAULT 'on_shelf' CHECK (state IN ('on_shelf', 'sold', 'quarantined', 'void')),
  PRIMARY KEY (lane, card_id),
  CHECK ((state = 'sold') <= (order_id IS NOT NULL)),
  CHECK ((state = 'on_shelf') <= (order_id IS NULL))
);
CREATE INDEX card_shelf ON card (lane, sku_id, expires_on, card_id) WHERE state = 'on_shelf';

-- A keyed hash of every card ever loaded; distributed by itself, so no lane can load it again.
CREATE TABLE card_fingerprint (
  fingerprint bytea PRIMARY KEY,
  card_id bigint NOT NULL
);

CREATE TABLE allotment (
  lane smallint NOT NULL,
  sku_id bigint NOT NULL,
  on_hand int NOT NULL DEFAULT 0 CHECK (on_hand >= 0),
  PRIMARY KEY (lane, sku_id)
) WITH (fillfactor = 50);
