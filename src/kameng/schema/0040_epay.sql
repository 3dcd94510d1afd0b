-- Kameng as an epay site: accounts of organisations whose other shops pay through it, their payments, and what is paid
-- into a wallet for somebody else's shop.

-- A collection (代收): money that a channel brings for a customer of an organisation's own shop, less the house's fee.
ALTER TABLE payable ADD COLUMN fee_e4 bigint NOT NULL DEFAULT 0 CHECK (fee_e4 >= 0 AND fee_e4 < amount_e4);
ALTER TABLE payable ADD CONSTRAINT payable_fee_check CHECK (kind = 'collection' OR fee_e4 = 0);
ALTER TABLE payable DROP CONSTRAINT payable_kind_check;
ALTER TABLE payable ADD CONSTRAINT payable_kind_check CHECK (kind IN ('order', 'recharge', 'collection'));
ALTER TABLE payment DROP CONSTRAINT payment_taken_as_check;
ALTER TABLE payment ADD CONSTRAINT payment_taken_as_check
  CHECK (taken_as IN ('order', 'recharge', 'collection', 'late', 'double', 'mismatch'));
ALTER TABLE payment_refund DROP CONSTRAINT payment_refund_cause_check;
ALTER TABLE payment_refund ADD CONSTRAINT payment_refund_cause_check
  CHECK (cause IN ('order', 'collection', 'late', 'double', 'mismatch', 'case'));

-- An organisation's account at our epay site. Read by every request of its shop, changed seldom.
CREATE TABLE epay_account (
  pid int GENERATED ALWAYS AS IDENTITY (START WITH 1001) PRIMARY KEY,
  org_id bigint NOT NULL UNIQUE,
  secrets bytea,                                 -- sealed: the MD5 key, our private key for it; NULL only while it is being made
  shop_key text NOT NULL DEFAULT '',             -- the shop's public key, in PEM
  our_key text NOT NULL DEFAULT '',              -- the public key of ours, in PEM
  fee_ppm int NOT NULL CHECK (fee_ppm BETWEEN 0 AND 500000),
  hosts text[] NOT NULL DEFAULT '{}',            -- where its addresses may lead; none: anywhere
  is_on boolean NOT NULL DEFAULT true,
  is_rsa_only boolean NOT NULL DEFAULT false,
  has_refunds boolean NOT NULL DEFAULT false,    -- whether version 1, which shows its key, may give back
  revision int NOT NULL DEFAULT 1,
  made_at timestamptz NOT NULL,
  changed_at timestamptz NOT NULL
);

-- A payment that a shop wished for. What is to be paid bears its number, once somebody begins to pay it.
CREATE TABLE epay_trade (
  lane smallint NOT NULL,
  trade_id bigint NOT NULL,
  pid int NOT NULL,
  org_id bigint NOT NULL,
  out_trade_no text NOT NULL CHECK (length(out_trade_no) BETWEEN 1 AND 150),
  version smallint NOT NULL CHECK (version IN (1, 2)), -- that the shop speaks, and is told in
  type text NOT NULL DEFAULT '',
  name text NOT NULL,
  amount_e4 bigint NOT NULL CHECK (amount_e4 > 0),
  fee_e4 bigint NOT NULL CHECK (fee_e4 >= 0 AND fee_e4 < amount_e4),
  notify_url text NOT NULL,
  return_url text NOT NULL DEFAULT '',
  param text NOT NULL DEFAULT '',
  made_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  closed_at timestamptz,                         -- by its shop: nobody begins to pay it any more
  paid_at timestamptz,                           -- when we learned it; its payment says when it was
  tellings smallint NOT NULL DEFAULT 0,          -- how often its shop was told
  told text NOT NULL DEFAULT '' CHECK (told IN ('', 'heard', 'given_up')),
  fault text NOT NULL DEFAULT '',                -- why it did not hear last time
  PRIMARY KEY (lane, trade_id)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX epay_trade_no ON epay_trade (lane, pid, out_trade_no);
CREATE INDEX epay_trade_of_account ON epay_trade (lane, pid, trade_id);

-- What each account's shops wished for and were paid, by the day of China.
CREATE TABLE epay_day (
  lane smallint NOT NULL,
  pid int NOT NULL,
  day date NOT NULL,
  begun int NOT NULL DEFAULT 0,
  paid int NOT NULL DEFAULT 0,
  paid_e4 bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (lane, pid, day)
) WITH (fillfactor = 50);
