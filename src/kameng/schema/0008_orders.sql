CREATE TABLE orders (
  lane smallint NOT NULL,
  order_id bigint NOT NULL,
  org_id bigint NOT NULL,
  key_id bigint NOT NULL,                        -- 0: not placed through an API key
  sku_id bigint NOT NULL,
  sku_revision int NOT NULL,
  quantity int NOT NULL CHECK (quantity > 0),
  unit_price_e4 bigint NOT NULL CHECK (unit_price_e4 >= 0),
  total_e4 bigint NOT NULL CHECK (total_e4 = unit_price_e4 * quantity),
  cost_e4 bigint NOT NULL CHECK (cost_e4 >= 0),  -- of the whole order
  state text NOT NULL,
  sequence int NOT NULL DEFAULT 1,
  client_ref text NOT NULL,
  account bytea,                                 -- sealed: phone numbers, game accounts
  trace text NOT NULL,                           -- how the price came about
  card_ids bigint[] NOT NULL DEFAULT '{}',
  placed_at timestamptz NOT NULL,
  PRIMARY KEY (lane, order_id),
  CHECK (state IN ('awaiting_payment', 'paid', 'held', 'fulfilling', 'review', 'cancelling', 'partly_delivered',
                   'delivered', 'settled', 'expired', 'cancelled', 'refused', 'failed', 'refunded'))
) WITH (fillfactor = 90);
CREATE INDEX orders_of_organisation ON orders (lane, org_id, order_id);

-- Idempotency for ever: never partitioned, never purged.
CREATE TABLE order_ref (
  lane smallint NOT NULL,
  org_id bigint NOT NULL,
  ref_hash bytea NOT NULL,                       -- of organisation and reference
  digest bytea NOT NULL,                         -- of the content: same reference, other content is refused
  order_id bigint NOT NULL,
  PRIMARY KEY (lane, ref_hash)
);
