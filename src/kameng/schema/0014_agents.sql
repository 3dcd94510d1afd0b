-- Agents: who buys from whom, what each may spend, what each adds to a price, and where its margins lie.
ALTER TABLE organisation
  ADD COLUMN parent_id bigint CHECK (parent_id <> org_id), -- the agent it buys from; NULL: the platform
  ADD COLUMN self_collected boolean NOT NULL DEFAULT false, -- 自收款: its customers pay it, and its wallet pays for them
  ADD COLUMN minimum_balance_e4 bigint CHECK (minimum_balance_e4 > 0), -- an order must leave so much
  ADD COLUMN day_budget_e4 bigint CHECK (day_budget_e4 > 0),
  ADD COLUMN month_budget_e4 bigint CHECK (month_budget_e4 > 0),
  ADD CHECK (kind = 'agent' OR NOT self_collected);
CREATE INDEX organisation_parent ON organisation (parent_id) WHERE parent_id IS NOT NULL;

-- Who set a named price: it holds for as long as he is the one that the buyer buys from. 0: the platform.
ALTER TABLE named_price ADD COLUMN seller_id bigint NOT NULL DEFAULT 0;

-- What an agent adds to what it pays (加价模板).
CREATE TABLE markup (
  agent_id bigint NOT NULL,
  scope text NOT NULL CHECK (scope IN ('sku', 'brand', 'scene', 'all')),
  which text NOT NULL CHECK ((scope = 'all') = (which = '')), -- the SKU's number, the brand's or the scene's name
  level smallint NOT NULL CHECK (level BETWEEN -1 AND 99), -- of its buyer; -1: of every level
  fixed_e4 bigint NOT NULL,
  percent_e4 bigint NOT NULL CHECK (percent_e4 > -1000000), -- 52500 is 5.25 %
  unit_e4 int NOT NULL CHECK (unit_e4 IN (1, 100, 1000, 10000)), -- prices are rounded to so much
  rounding text NOT NULL CHECK (rounding IN ('up', 'half_even', 'down')),
  ending_e4 int NOT NULL CHECK (ending_e4 >= 0 AND ending_e4 < unit_e4), -- and end in that: 9000 is .9
  changed bigint NOT NULL,
  PRIMARY KEY (agent_id, scope, which, level)
);
-- What the agents below may ask for a SKU. 0: the platform, for all agents.
CREATE TABLE agent_bound (
  owner_id bigint NOT NULL,
  sku_id bigint NOT NULL REFERENCES sku,
  floor_e4 bigint CHECK (floor_e4 > 0),
  ceiling_e4 bigint CHECK (ceiling_e4 > 0),
  changed bigint NOT NULL,
  PRIMARY KEY (owner_id, sku_id),
  CHECK (coalesce(floor_e4, ceiling_e4) IS NOT NULL AND floor_e4 <= ceiling_e4)
);
-- Of what is no single amount: the template before and after.
ALTER TABLE price_change ADD COLUMN before jsonb, ADD COLUMN after jsonb;

-- Who gets which part of an order that was bought from an agent; NULL: bought from the platform.
ALTER TABLE orders ADD COLUMN split jsonb;

-- An agent's sub-account in each lane where it earns, and what a lane owes another or has to get from it.
ALTER TABLE account ADD COLUMN peer_lane smallint;
CREATE UNIQUE INDEX account_sub ON account (lane, org_id, currency) WHERE code = 'sub_account';
CREATE UNIQUE INDEX account_due ON account (lane, peer_lane, code, currency) WHERE peer_lane IS NOT NULL;

-- Money on its way between two lanes. The row stands in the lane it leaves, from the transfer that took it away until
-- the other lane has booked it; both transfers have the same key.
CREATE TABLE sweep (
  lane smallint NOT NULL,
  sweep_id bigint NOT NULL,
  to_lane smallint NOT NULL,
  to_account bigint NOT NULL,
  currency text NOT NULL,
  amount_e4 bigint NOT NULL CHECK (amount_e4 > 0),
  org_id bigint NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (lane, sweep_id),
  CHECK (lane <> to_lane)
);
