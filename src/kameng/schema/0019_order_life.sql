-- The order's life after it was placed: refunds, escrow until the buyer confirms, payment through a channel.
ALTER TABLE orders
  ADD COLUMN refunded_e4 bigint NOT NULL DEFAULT 0,
  ADD COLUMN confirm_until timestamptz,          -- delivered, and its money in escrow till then; NULL: in sales
  ADD CONSTRAINT orders_refunded_e4_check CHECK (refunded_e4 BETWEEN 0 AND total_e4) NOT VALID,
  ADD CONSTRAINT orders_confirm_until_check
    CHECK (confirm_until IS NULL OR state IN ('delivered', 'partly_delivered')) NOT VALID;

-- For how many days a buyer may confirm that he received it; NULL: as the platform's setting says, 0: not asked.
ALTER TABLE sku ADD COLUMN confirm_days smallint CHECK (confirm_days BETWEEN 0 AND 60);

-- What was asked of orders, once for each key: the same again gets the same answer.
CREATE TABLE order_command (
  lane smallint NOT NULL,
  order_id bigint NOT NULL,
  key text NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
  digest bytea NOT NULL,                         -- of what was asked
  command text NOT NULL,
  state text NOT NULL,                           -- of the order after it, as its sequence and what was refunded
  sequence int NOT NULL,
  refunded_e4 bigint NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (lane, order_id, key)
);
CREATE TRIGGER order_command_stands BEFORE UPDATE OR DELETE OR TRUNCATE ON order_command
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Orders that are paid through a channel, not from a wallet.
CREATE TABLE order_payment (
  lane smallint NOT NULL,
  order_id bigint NOT NULL,
  expires_at timestamptz NOT NULL,
  is_open boolean NOT NULL DEFAULT true,         -- awaits its payment: counts towards the caps
  ip_key bytea NOT NULL,                         -- keyed hash of the address it came from
  buyer_key bytea NOT NULL,                      -- keyed hash of a guest's contact, or of the member
  contact bytea,                                 -- sealed; NULL: a member
  password_hash text,                            -- of a guest's query password
  failures int NOT NULL DEFAULT 0,               -- wrong passwords in a row
  asked_at timestamptz,                          -- when the last of them came
  PRIMARY KEY (lane, order_id),
  CHECK ((contact IS NULL) = (password_hash IS NULL))
);
CREATE INDEX order_payment_ip ON order_payment (lane, ip_key) WHERE is_open;
CREATE INDEX order_payment_buyer ON order_payment (lane, buyer_key) WHERE is_open;

-- What channels told of payments, each once for ever, in whatever lane its order lies; distributed by itself.
CREATE TABLE payment_reference (
  reference text PRIMARY KEY CHECK (length(reference) BETWEEN 3 AND 200), -- "channel:number"
  order_id bigint NOT NULL
);

-- A card that waits for its order's payment has left the shelf, and nobody else can take it.
ALTER TABLE card DROP CONSTRAINT card_state_check;
ALTER TABLE card ADD CONSTRAINT card_state_check
  CHECK (state IN ('on_shelf', 'reserved', 'sold', 'quarantined', 'void')) NOT VALID;
ALTER TABLE card ADD CONSTRAINT card_reserved_check CHECK (state <> 'reserved' OR order_id IS NOT NULL) NOT VALID;
-- They are few, and counted over all lanes.
CREATE INDEX card_reserved ON card (lane, sku_id) WHERE state = 'reserved';

-- after release

ALTER TABLE orders VALIDATE CONSTRAINT orders_refunded_e4_check;
ALTER TABLE orders VALIDATE CONSTRAINT orders_confirm_until_check;
ALTER TABLE card VALIDATE CONSTRAINT card_state_check;
ALTER TABLE card VALIDATE CONSTRAINT card_reserved_check;
