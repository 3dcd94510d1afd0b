-- What operators look at and switch: orders by state and by the end of their number, feature switches, announcements,
-- tallies for boards, runs of prices, order forms made at the desk, and who looked at pages as somebody else.

-- Orders that are not final, by state: what lies on desks. A plain order from stock is never in it.
CREATE INDEX orders_unfinished ON orders (lane, state, order_id)
  WHERE state IN ('awaiting_payment', 'paid', 'held', 'fulfilling', 'review', 'cancelling', 'failed', 'refused');
-- Orders by the last six digits of their number, as people read them out.
CREATE INDEX orders_tail ON orders (lane, (order_id % 1000000));
CREATE INDEX archived_orders_tail ON archived_orders (lane, (order_id % 1000000));

-- Orders placed in each five minutes of a lane, added up by the clock.
CREATE TABLE order_tally (
  lane smallint NOT NULL,
  since timestamptz NOT NULL,
  currency text NOT NULL,
  orders integer NOT NULL CHECK (orders > 0),
  amount_e4 bigint NOT NULL,
  cost_e4 bigint NOT NULL,
  PRIMARY KEY (lane, since, currency)
);
CREATE TABLE order_tallied (
  lane smallint PRIMARY KEY,
  until_id bigint NOT NULL                        -- orders up to here are in the tallies
);

CREATE TABLE feature_switch (
  name text PRIMARY KEY,
  is_on boolean NOT NULL,
  changed_at timestamptz NOT NULL,
  changed_by bigint NOT NULL,
  reason text NOT NULL
);

CREATE TABLE announcement (
  announcement_id bigint PRIMARY KEY,
  face text NOT NULL CHECK (face IN ('everybody', 'shop', 'merchant', 'supplier', 'platform')),
  tone text NOT NULL CHECK (tone IN ('news', 'warn', 'bad')),
  zh text NOT NULL CHECK (length(zh) BETWEEN 1 AND 200),
  en text NOT NULL CHECK (length(en) <= 200),
  starts_at timestamptz NOT NULL,
  ends_at timestamptz CHECK (ends_at > starts_at),
  created_at timestamptz NOT NULL,
  created_by bigint NOT NULL,
  withdrawn_at timestamptz
);
CREATE INDEX announcement_standing ON announcement (starts_at) WHERE withdrawn_at IS NULL;

-- A run of prices that was put in place together, with what each was before.
CREATE TABLE price_run (
  run_id bigint PRIMARY KEY,
  at timestamptz NOT NULL,
  actor_id bigint NOT NULL,
  reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
  rule jsonb NOT NULL,
  prices jsonb NOT NULL,                          -- [SKU, before, after] each
  undone_at timestamptz,
  undone_by bigint,
  CHECK ((undone_at IS NULL) = (undone_by IS NULL))
);

-- Order forms made at the desk. Both are written once: what orders were asked for stays readable.
CREATE TABLE order_field (
  name text PRIMARY KEY CHECK (name ~ '^x_(public|phone|email|account|name|address|password)_[a-z0-9_]{1,30}$'),
  spec jsonb NOT NULL
);
CREATE TABLE order_form (
  name text PRIMARY KEY CHECK (name ~ '^form_[a-z0-9_]{1,40}$'),
  title text NOT NULL CHECK (length(title) BETWEEN 1 AND 60),
  fields text[] NOT NULL CHECK (cardinality(fields) BETWEEN 1 AND 12),
  made_at timestamptz NOT NULL,
  made_by bigint NOT NULL
);

-- An operator who looks at pages as somebody of an organisation.
ALTER TABLE web_session
  ADD COLUMN guise_person_id bigint,
  ADD COLUMN guise_org_id bigint,
  ADD COLUMN guise_until timestamptz,
  ADD COLUMN guise_may_write boolean NOT NULL DEFAULT false,
  ADD CONSTRAINT web_session_guise_whole
    CHECK ((guise_person_id IS NULL) = (guise_org_id IS NULL) AND (guise_person_id IS NULL) = (guise_until IS NULL));
