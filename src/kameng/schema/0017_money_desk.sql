-- The finance desk: adjustments, withdrawals, alerts, what was told of prices, closed months.

-- Where money goes that leaves by bank transfer, and what the house earns by fees and penalties.
INSERT INTO account (lane, account_id, org_id, code, currency, unbounded)
SELECT lane, n, 0, code, currency, true
FROM lane, (VALUES (16, 'bank', 'CNY'), (516, 'bank', 'XTS'), (17, 'fees', 'CNY'), (517, 'fees', 'XTS'))
  AS house (n, code, currency)
ON CONFLICT DO NOTHING;

-- Rows whose state is one of TG_ARGV[0] may move on; all others stand, but for a payee that is sealed anew.
CREATE FUNCTION refuse_change_of_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF OLD.state = ANY (string_to_array(TG_ARGV[0], ' '))
       OR to_jsonb(NEW) - 'payee' = to_jsonb(OLD) - 'payee' THEN
      RETURN NEW;
    END IF;
  END IF;
  RAISE EXCEPTION 'a decided row of % is never changed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

-- 加款/扣款: what staff asks to book on a wallet.
CREATE TABLE adjustment (
  lane smallint NOT NULL,
  adjustment_id bigint NOT NULL,
  org_id bigint NOT NULL,
  amount_e4 bigint NOT NULL CHECK (amount_e4 <> 0), -- above zero: to the wallet
  reason text NOT NULL CHECK (reason IN ('recharge_missing', 'recharge_reversed', 'compensation', 'goodwill', 'penalty',
                                         'chargeback', 'correction')),
  note text NOT NULL,
  evidence text NOT NULL,
  request_key text NOT NULL,
  needs_second boolean NOT NULL,                 -- above the limit when it was asked for
  state text NOT NULL CHECK (state IN ('pending', 'executed', 'refused')),
  requested_by bigint NOT NULL CHECK (requested_by <> 0),
  requested_at timestamptz NOT NULL,
  decided_by bigint,                             -- NULL: pending, or executed at once
  decided_at timestamptz,
  decision_note text NOT NULL DEFAULT '',
  transfer_id bigint,
  PRIMARY KEY (lane, adjustment_id),
  CONSTRAINT adjustment_second_person CHECK (
    decided_by <> requested_by AND (NOT needs_second OR state <> 'executed' OR decided_by IS NOT NULL)),
  CHECK ((state = 'executed') = (transfer_id IS NOT NULL)),
  CHECK ((state = 'pending') = (decided_at IS NULL))
);
CREATE UNIQUE INDEX adjustment_key ON adjustment (lane, request_key);
CREATE INDEX adjustment_pending ON adjustment (lane, adjustment_id) WHERE state = 'pending';
CREATE TRIGGER adjustment_stands BEFORE UPDATE OR DELETE ON adjustment
  FOR EACH ROW EXECUTE FUNCTION refuse_change_of_final('pending');

-- 提现: money that an organisation wants back; held on its wallet until it is paid or let go.
CREATE TABLE withdrawal (
  lane smallint NOT NULL,
  withdrawal_id bigint NOT NULL,
  org_id bigint NOT NULL,
  client_ref text NOT NULL,
  digest bytea NOT NULL,                         -- keyed hash of the content: same reference, other content is refused
  amount_e4 bigint NOT NULL CHECK (amount_e4 > 0), -- what leaves the wallet; the payee gets it less the fee
  fee_e4 bigint NOT NULL CHECK (fee_e4 >= 0 AND fee_e4 < amount_e4),
  currency text NOT NULL,
  payee bytea NOT NULL,                          -- sealed
  payee_shown text NOT NULL,                     -- masked
  needs_second boolean NOT NULL,                 -- above the limit when it was asked for
  state text NOT NULL CHECK (state IN ('requested', 'checked', 'approved', 'paid', 'refused', 'cancelled', 'failed')),
  sequence int NOT NULL DEFAULT 1,
  requested_at timestamptz NOT NULL,
  checked_by bigint,
  approved_by bigint,
  closed_by bigint,
  closed_at timestamptz,
  note text NOT NULL DEFAULT '',
  external_ref text,                             -- of the bank transfer that paid it
  hold_id bigint NOT NULL,
  fee_hold_id bigint,
  PRIMARY KEY (lane, withdrawal_id),
  CONSTRAINT withdrawal_second_person CHECK (
    approved_by <> checked_by AND (NOT needs_second OR approved_by IS NULL OR checked_by IS NOT NULL)),
  CHECK ((state = 'paid') = (external_ref IS NOT NULL)),
  CHECK (state NOT IN ('approved', 'paid', 'failed') OR approved_by IS NOT NULL),
  CHECK ((fee_e4 > 0) = (fee_hold_id IS NOT NULL))
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX withdrawal_ref ON withdrawal (lane, org_id, client_ref);
CREATE UNIQUE INDEX withdrawal_external_ref ON withdrawal (lane, external_ref) WHERE external_ref IS NOT NULL;
CREATE INDEX withdrawal_of_organisation ON withdrawal (lane, org_id, withdrawal_id);
CREATE TRIGGER withdrawal_stands BEFORE UPDATE OR DELETE ON withdrawal
  FOR EACH ROW EXECUTE FUNCTION refuse_change_of_final('requested checked approved');

-- 低余额提醒: whether the organisation was told that its wallet is below this.
CREATE TABLE balance_alert (
  lane smallint NOT NULL,
  org_id bigint NOT NULL,
  low_at_e4 bigint NOT NULL CHECK (low_at_e4 > 0),
  is_low boolean NOT NULL DEFAULT false,
  PRIMARY KEY (lane, org_id)
);

-- 低库存预警: below how many cards a SKU is low, and who was told that it is (0: the platform).
CREATE TABLE stock_threshold (
  sku_id bigint PRIMARY KEY REFERENCES sku,
  low_at int NOT NULL CHECK (low_at > 0)
);
CREATE TABLE stock_alert (
  lane smallint NOT NULL,
  org_id bigint NOT NULL,
  sku_id bigint NOT NULL,
  is_low boolean NOT NULL,
  PRIMARY KEY (lane, org_id, sku_id)
);

-- Up to which row of the price log the organisations of a lane were told. Nothing of the past is told.
CREATE TABLE price_told (
  lane smallint PRIMARY KEY,
  change_id bigint NOT NULL
);
INSERT INTO price_told (lane, change_id) SELECT lane, coalesce((SELECT max(change_id) FROM price_change), 0) FROM lane;
CREATE INDEX price_change_sku ON price_change (sku_id, change_id);

-- 月结: what each account had by each code at the end of a month. An account without a line kept what it had.
CREATE TABLE month_sum (
  lane smallint NOT NULL,
  account_id bigint NOT NULL,
  code text NOT NULL,
  month date NOT NULL CHECK (extract(day FROM month) = 1),
  opening_e4 bigint NOT NULL,
  debit_e4 bigint NOT NULL CHECK (debit_e4 >= 0),
  credit_e4 bigint NOT NULL CHECK (credit_e4 >= 0),
  transfer_count bigint NOT NULL CHECK (transfer_count > 0),
  closing_e4 bigint NOT NULL CHECK (closing_e4 = opening_e4 + credit_e4 - debit_e4),
  PRIMARY KEY (lane, account_id, code, month)
);
CREATE INDEX month_sum_month ON month_sum (lane, month);
CREATE TRIGGER month_sum_stands BEFORE UPDATE OR DELETE OR TRUNCATE ON month_sum
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TABLE month_close (
  lane smallint NOT NULL,
  month date NOT NULL CHECK (extract(day FROM month) = 1),
  closed_at timestamptz NOT NULL,
  closed_by bigint NOT NULL,
  PRIMARY KEY (lane, month)
);
CREATE TRIGGER month_close_stands BEFORE UPDATE OR DELETE OR TRUNCATE ON month_close
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
