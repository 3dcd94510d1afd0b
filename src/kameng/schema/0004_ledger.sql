-- Double entry in 1/10,000 of the currency. A balance is credits less debits: what we owe the owner.
CREATE TABLE account (
  lane smallint NOT NULL,
  account_id bigint NOT NULL,                    -- a wallet has its organisation's id; house accounts are < 1000
  org_id bigint NOT NULL,                        -- 0: the house
  code text NOT NULL,
  currency text NOT NULL,
  posted_e4 bigint NOT NULL DEFAULT 0,
  held_e4 bigint NOT NULL DEFAULT 0 CHECK (held_e4 >= 0),
  credit_line_e4 bigint NOT NULL DEFAULT 0 CHECK (credit_line_e4 >= 0),
  unbounded boolean NOT NULL DEFAULT false,      -- house accounts that may turn either way
  closed boolean NOT NULL DEFAULT false,
  PRIMARY KEY (lane, account_id),
  CONSTRAINT account_not_overdrawn CHECK (unbounded OR posted_e4 - held_e4 + credit_line_e4 >= 0)
) WITH (fillfactor = 50);
CREATE INDEX account_org ON account (lane, org_id);

CREATE TABLE transfer (
  lane smallint NOT NULL,
  transfer_id bigint NOT NULL,                   -- an order's sale has the order's id: one order, one charge
  debit_account bigint NOT NULL,
  credit_account bigint NOT NULL,
  amount_e4 bigint NOT NULL CHECK (amount_e4 > 0),
  kind text NOT NULL CHECK (kind IN ('posted', 'hold', 'post', 'void')),
  code text NOT NULL,                            -- what for: sale, refund, recharge …
  pending_id bigint,                             -- the hold that a post or void resolves
  subject_id bigint NOT NULL,
  debit_after_e4 bigint NOT NULL,                -- posted balances after it, so statements add up line by line
  credit_after_e4 bigint NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (lane, transfer_id),
  CHECK (debit_account <> credit_account),
  CHECK ((kind IN ('post', 'void')) = (pending_id IS NOT NULL))
);
CREATE UNIQUE INDEX transfer_resolution ON transfer (lane, pending_id) WHERE pending_id IS NOT NULL;
-- Statements of owners; house accounts (< 1000) are read in order of time instead.
CREATE INDEX transfer_debit ON transfer (lane, debit_account, transfer_id) WHERE debit_account >= 1000;
CREATE INDEX transfer_credit ON transfer (lane, credit_account, transfer_id) WHERE credit_account >= 1000;
CREATE TRIGGER transfer_stands BEFORE UPDATE OR DELETE OR TRUNCATE ON transfer
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Keys that come from outside (a recharge's receipt, a provider's event): one key, one effect.
CREATE TABLE transfer_key (
  lane smallint NOT NULL,
  key text NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
  transfer_id bigint NOT NULL,
  PRIMARY KEY (lane, key)
);
