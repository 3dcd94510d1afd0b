-- Payouts 打款: how approved withdrawals leave, by a bank's batch file or by a transfer at a provider.

-- A withdrawal that is being paid out: its money waits in suspense.
ALTER TABLE withdrawal DROP CONSTRAINT withdrawal_state_check;
ALTER TABLE withdrawal ADD CONSTRAINT withdrawal_state_check CHECK (
  state IN ('requested', 'checked', 'approved', 'paying', 'paid', 'refused', 'cancelled', 'failed'));
ALTER TABLE withdrawal ADD CONSTRAINT withdrawal_paying_approved CHECK (state <> 'paying' OR approved_by IS NOT NULL);
DROP TRIGGER withdrawal_stands ON withdrawal;
ALTER TABLE withdrawal ADD COLUMN method text NOT NULL DEFAULT 'bank' CHECK (method IN ('bank', 'alipay'));
UPDATE withdrawal SET method = 'alipay' WHERE payee_shown LIKE '支付宝 %'; -- the payee itself is sealed
ALTER TABLE withdrawal ALTER COLUMN method DROP DEFAULT;
CREATE TRIGGER withdrawal_stands BEFORE UPDATE OR DELETE ON withdrawal
  FOR EACH ROW EXECUTE FUNCTION refuse_change_of_final('requested checked approved paying');

-- One for each withdrawal that is paid out so. Its number is the same for each try.
CREATE TABLE payout (
  lane smallint NOT NULL,
  payout_id bigint NOT NULL,                     -- the withdrawal's id
  payout_no text GENERATED ALWAYS AS ('W' || payout_id) STORED, -- what the bank or the provider knows it by
  org_id bigint NOT NULL,
  method text NOT NULL CHECK (method IN ('bank', 'alipay')),
  channel_id int,                                -- the account at a provider that pays
  batch_id bigint,                               -- or the bank's file that it stands in
  amount_e4 bigint NOT NULL CHECK (amount_e4 > 0 AND amount_e4 % 100 = 0), -- what its payee gets
  fee_e4 bigint NOT NULL CHECK (fee_e4 >= 0),
  currency text NOT NULL,
  state text NOT NULL CHECK (state IN ('requested', 'sent', 'unknown', 'abnormal', 'done', 'failed')),
  tries int NOT NULL DEFAULT 0,
  provider_no text NOT NULL DEFAULT '',
  code text NOT NULL DEFAULT '',                 -- the provider's last word
  unanswered_at timestamptz,                     -- when a call got no answer to be trusted, last
  asked_by bigint NOT NULL CHECK (asked_by <> 0),
  asked_at timestamptz NOT NULL,
  ended_by bigint,                               -- a person who decided it; NULL: the provider or the bank's file did
  ended_at timestamptz,
  PRIMARY KEY (lane, payout_id),
  CHECK ((method = 'bank') = (batch_id IS NOT NULL)),
  CHECK ((method = 'bank') = (channel_id IS NULL)),
  CHECK ((state IN ('done', 'failed')) = (ended_at IS NOT NULL))
) WITH (fillfactor = 70);
CREATE INDEX payout_batch_of ON payout (lane, batch_id) WHERE batch_id IS NOT NULL;
CREATE INDEX payout_open ON payout (lane, payout_id) WHERE state NOT IN ('done', 'failed');
CREATE TRIGGER payout_stands BEFORE UPDATE OR DELETE ON payout
  FOR EACH ROW EXECUTE FUNCTION refuse_change_of_final('requested sent unknown abnormal');

-- A bank's batch file, in lane 0: its payouts are of all lanes.
CREATE TABLE payout_batch (
  lane smallint NOT NULL,
  batch_id bigint NOT NULL,
  lines int NOT NULL,
  amount_e4 bigint NOT NULL,
  made_by bigint NOT NULL,
  made_at timestamptz NOT NULL,
  PRIMARY KEY (lane, batch_id)
);
