-- Payments: accounts at providers, what is to be paid, attempts, what providers told, money given back to its origin.

-- An account at a provider. Read by every payment that begins, changed seldom.
CREATE TABLE payment_channel (
  channel_id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  org_id bigint NOT NULL DEFAULT 0,              -- whose account it is; 0: the platform's
  protocol text NOT NULL,
  name text NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 60),
  currency text NOT NULL,
  account_no text NOT NULL,                      -- as the provider names it where it tells of a payment; '': it doesn't
  credentials bytea,                             -- sealed; NULL only while the row is being made
  offers jsonb NOT NULL,                         -- [method, scene] each
  fee_ppm int NOT NULL DEFAULT 0 CHECK (fee_ppm BETWEEN 0 AND 500000), -- basis points x 100: 0.6 % is 6000
  fee_fixed_e4 bigint NOT NULL DEFAULT 0 CHECK (fee_fixed_e4 >= 0),
  least_e4 bigint NOT NULL DEFAULT 0 CHECK (least_e4 >= 0),
  most_e4 bigint CHECK (most_e4 >= least_e4),
  day_most_e4 bigint CHECK (day_most_e4 >= 0),   -- of what is begun on one day of China
  opens_min smallint CHECK (opens_min BETWEEN 0 AND 1439), -- minutes of the day of China; may pass midnight
  closes_min smallint CHECK (closes_min BETWEEN 0 AND 1439),
  licence_until date,
  certificate_until date,
  notify_from text[] NOT NULL DEFAULT '{}',      -- networks that notices may come from; none: any
  weight int NOT NULL DEFAULT 100 CHECK (weight BETWEEN 0 AND 10000),
  is_on boolean NOT NULL DEFAULT false,
  revision int NOT NULL DEFAULT 1,
  made_at timestamptz NOT NULL,
  changed_at timestamptz NOT NULL,
  CHECK ((opens_min IS NULL) = (closes_min IS NULL))
);

-- What providers owe us, and what they keep as their fee: two accounts for each channel and lane.
ALTER TABLE account ADD COLUMN channel_id int;
CREATE UNIQUE INDEX account_channel ON account (lane, channel_id, code, currency) WHERE channel_id IS NOT NULL;

-- What is to be paid: an order that awaits it, or a recharge. It is paid once, by one of its payments.
CREATE TABLE payable (
  lane smallint NOT NULL,
  payable_id bigint NOT NULL,                    -- the order's id, or the recharge's own
  kind text NOT NULL CHECK (kind IN ('order', 'recharge')),
  org_id bigint NOT NULL,
  amount_e4 bigint NOT NULL CHECK (amount_e4 > 0),
  currency text NOT NULL,
  wallet_e4 bigint NOT NULL DEFAULT 0 CHECK (wallet_e4 >= 0 AND wallet_e4 < amount_e4), -- of it, held on the wallet
  hold_id bigint,
  bonus_e4 bigint NOT NULL DEFAULT 0 CHECK (bonus_e4 >= 0), -- given on top of a recharge
  client_ref text CHECK (length(client_ref) BETWEEN 1 AND 64), -- of a recharge
  attempts smallint NOT NULL DEFAULT 0,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'paid', 'closed')),
  payment_id bigint,                             -- the one that paid it
  expires_at timestamptz NOT NULL,
  made_at timestamptz NOT NULL,
  ended_at timestamptz,
  PRIMARY KEY (lane, payable_id),
  CHECK ((wallet_e4 > 0) = (hold_id IS NOT NULL)),
  CHECK (kind = 'recharge' OR (bonus_e4 = 0 AND client_ref IS NULL)),
  CHECK ((state = 'paid') = (payment_id IS NOT NULL)),
  CHECK ((state = 'open') = (ended_at IS NULL))
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX payable_ref ON payable (lane, org_id, client_ref) WHERE client_ref IS NOT NULL;
CREATE INDEX payable_of_organisation ON payable (lane, org_id, payable_id) WHERE kind = 'recharge';

-- One attempt at one channel. It stands before its provider is asked; its number holds its lane.
CREATE TABLE payment (
  lane smallint NOT NULL,
  payment_id bigint NOT NULL,
  payment_no text GENERATED ALWAYS AS ('K' || payment_id) STORED, -- what the provider knows it by
  payable_id bigint NOT NULL,
  org_id bigint NOT NULL,
  channel_id int NOT NULL,
  attempt smallint NOT NULL CHECK (attempt > 0),
  method text NOT NULL,
  scene text NOT NULL,
  amount_e4 bigint NOT NULL CHECK (amount_e4 > 0), -- what is asked of the payer
  currency text NOT NULL,
  fee_e4 bigint NOT NULL DEFAULT 0 CHECK (fee_e4 >= 0), -- what the provider keeps, by the channel's rule
  state text NOT NULL DEFAULT 'created'
    CHECK (state IN ('created', 'waiting', 'unknown', 'failed', 'closed', 'paid', 'refunded')),
  taken_as text CHECK (taken_as IN ('order', 'recharge', 'late', 'double', 'mismatch')), -- what its money was to us
  paid_e4 bigint CHECK (paid_e4 > 0),            -- what the provider says was paid
  refunded_e4 bigint NOT NULL DEFAULT 0 CHECK (refunded_e4 BETWEEN 0 AND coalesce(paid_e4, 0)), -- given back at the provider
  provider_no text NOT NULL DEFAULT '',
  payer text NOT NULL DEFAULT '',                -- as masked as the provider tells it
  code text NOT NULL DEFAULT '',                 -- the provider's last word
  shown jsonb,                                   -- what the customer scans or is led to
  decision jsonb,                                -- why this channel
  begun_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  paid_at timestamptz,                           -- by the provider's clock
  booked_at timestamptz,                         -- by ours
  closed_at timestamptz,
  transfer_id bigint,                            -- that booked it
  PRIMARY KEY (lane, payment_id),
  CHECK ((state IN ('paid', 'refunded')) = (booked_at IS NOT NULL)),
  CHECK ((booked_at IS NULL) = (transfer_id IS NULL)),
  CHECK ((booked_at IS NULL) = (taken_as IS NULL)),
  CHECK ((booked_at IS NULL) = (paid_e4 IS NULL)),
  CHECK ((state = 'refunded') = (paid_e4 IS NOT NULL AND refunded_e4 = paid_e4))
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX payment_attempt ON payment (lane, payable_id, attempt);
CREATE INDEX payment_booked ON payment (lane, channel_id, booked_at) WHERE booked_at IS NOT NULL;

-- What providers told, each event once for ever, with what came of it.
CREATE TABLE payment_notice (
  lane smallint NOT NULL,
  channel_id int NOT NULL,
  event_id text NOT NULL CHECK (length(event_id) BETWEEN 1 AND 200),
  kind text NOT NULL CHECK (kind IN ('payment', 'refund', 'other')),
  payment_id bigint,
  refund_id bigint,
  effect text NOT NULL,                          -- what it changed, or why nothing
  facts jsonb NOT NULL,                          -- what the provider proved
  at timestamptz NOT NULL,
  PRIMARY KEY (lane, channel_id, event_id)
);
CREATE INDEX payment_notice_payment ON payment_notice (lane, payment_id);
CREATE TRIGGER payment_notice_stands BEFORE UPDATE OR DELETE OR TRUNCATE ON payment_notice
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Money given back to where it came from. Its number is the same for each try.
CREATE TABLE payment_refund (
  lane smallint NOT NULL,
  refund_id bigint NOT NULL,
  refund_no text GENERATED ALWAYS AS ('R' || refund_id) STORED,
  payment_id bigint NOT NULL,
  payable_id bigint NOT NULL,
  org_id bigint NOT NULL,
  channel_id int NOT NULL,
  request_key text NOT NULL CHECK (length(request_key) BETWEEN 1 AND 200),
  cause text NOT NULL CHECK (cause IN ('order', 'late', 'double', 'mismatch')),
  amount_e4 bigint NOT NULL CHECK (amount_e4 > 0),
  currency text NOT NULL,
  reason text NOT NULL DEFAULT '',
  state text NOT NULL DEFAULT 'requested'
    CHECK (state IN ('requested', 'sent', 'unknown', 'done', 'failed', 'abnormal')),
  tries int NOT NULL DEFAULT 0,
  provider_refund_no text NOT NULL DEFAULT '',
  code text NOT NULL DEFAULT '',
  asked_at timestamptz NOT NULL,
  sent_at timestamptz,
  ended_at timestamptz,
  transfer_id bigint,                            -- that booked it
  PRIMARY KEY (lane, refund_id),
  CHECK ((state = 'done') = (transfer_id IS NOT NULL)),
  CHECK ((state IN ('done', 'failed')) = (ended_at IS NOT NULL))
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX payment_refund_key ON payment_refund (lane, request_key);
CREATE INDEX payment_refund_payment ON payment_refund (lane, payment_id);
CREATE INDEX payment_refund_booked ON payment_refund (lane, channel_id, ended_at) WHERE state = 'done';

-- What went through a channel on a day of China: for its limits, and to be looked at.
CREATE TABLE payment_day (
  lane smallint NOT NULL,
  channel_id int NOT NULL,
  day date NOT NULL,
  begun int NOT NULL DEFAULT 0,
  begun_e4 bigint NOT NULL DEFAULT 0,
  paid int NOT NULL DEFAULT 0,
  paid_e4 bigint NOT NULL DEFAULT 0,
  fee_e4 bigint NOT NULL DEFAULT 0,
  refunded_e4 bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (lane, channel_id, day)
) WITH (fillfactor = 50);

-- 充值赠送: what is given on top of a recharge. The one with the highest threshold that is reached counts.
CREATE TABLE recharge_bonus (
  bonus_id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  from_e4 bigint NOT NULL CHECK (from_e4 > 0),
  give_e4 bigint NOT NULL DEFAULT 0 CHECK (give_e4 >= 0),
  give_ppm int NOT NULL DEFAULT 0 CHECK (give_ppm BETWEEN 0 AND 1000000),
  most_e4 bigint CHECK (most_e4 > 0),
  starts_at timestamptz NOT NULL,
  ends_at timestamptz CHECK (ends_at > starts_at),
  made_by bigint NOT NULL,
  CHECK (give_e4 > 0 OR give_ppm > 0)
);

-- The payment that paid an order: its money can go back to where it came from. NULL: a person confirmed it by hand.
ALTER TABLE order_payment ADD COLUMN payment_id bigint;
