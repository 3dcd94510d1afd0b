CREATE TABLE organisation (
  lane smallint NOT NULL,
  org_id bigint NOT NULL,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  kind text NOT NULL CHECK (kind IN ('platform', 'merchant', 'agent', 'supplier')),
  level smallint NOT NULL DEFAULT 0 CHECK (level BETWEEN 0 AND 99),
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'suspended', 'closed')),
  currency text NOT NULL DEFAULT 'CNY',          -- XTS (ISO 4217: testing) for sandboxes: play money
  sandbox_of bigint,                             -- the organisation this one is the sandbox of
  wants_events boolean NOT NULL DEFAULT false,   -- has a webhook endpoint
  changed bigint NOT NULL,                       -- value of the identity epoch when last changed
  founded_at timestamptz NOT NULL,
  PRIMARY KEY (lane, org_id),
  CHECK ((sandbox_of IS NOT NULL) = (currency = 'XTS'))
);
CREATE INDEX organisation_changed ON organisation (changed);
CREATE UNIQUE INDEX organisation_sandbox ON organisation (lane, sandbox_of) WHERE sandbox_of IS NOT NULL;

CREATE TABLE person (
  person_id bigint PRIMARY KEY,
  sign_in text NOT NULL UNIQUE CHECK (sign_in = lower(sign_in)),
  name text NOT NULL,
  password_hash text,
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'locked', 'closed')),
  created_at timestamptz NOT NULL
);

CREATE TABLE membership (
  lane smallint NOT NULL,
  org_id bigint NOT NULL,
  person_id bigint NOT NULL,
  role text NOT NULL CHECK (role IN ('owner', 'finance', 'support', 'catalogue', 'risk', 'auditor', 'clerk')),
  since timestamptz NOT NULL,
  PRIMARY KEY (lane, org_id, person_id)
);
CREATE INDEX membership_person ON membership (person_id);

CREATE TABLE api_key (
  lane smallint NOT NULL,
  key_id bigint NOT NULL,
  org_id bigint NOT NULL,
  name text NOT NULL,
  scopes text[] NOT NULL,
  sealed_secret bytea,                           -- HMAC keys
  public_key bytea CHECK (length(public_key) = 32), -- Ed25519 keys
  allowed_ips cidr[] NOT NULL DEFAULT '{}',      -- empty: from anywhere
  rate_per_second int NOT NULL DEFAULT 1000 CHECK (rate_per_second > 0),
  daily_limit_e4 bigint CHECK (daily_limit_e4 >= 0),
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'revoked')),
  expires_at timestamptz,                        -- a rotated key lives on until then
  changed bigint NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (lane, key_id),
  CHECK ((sealed_secret IS NULL) <> (public_key IS NULL))
);
CREATE INDEX api_key_changed ON api_key (changed);
CREATE INDEX api_key_organisation ON api_key (lane, org_id);

-- Nonces of writes. The signed second chooses one of four drawers of ten minutes, so the one that ran out is
-- truncated, never deleted from: a replay carries the same second and meets its nonce, or comes too late.
CREATE TABLE nonce (
  lane smallint NOT NULL,
  drawer smallint NOT NULL,
  nonce_hash bytea NOT NULL,                     -- of key and nonce
  PRIMARY KEY (lane, drawer, nonce_hash)
) PARTITION BY LIST (drawer);
CREATE TABLE nonce_0 PARTITION OF nonce FOR VALUES IN (0);
CREATE TABLE nonce_1 PARTITION OF nonce FOR VALUES IN (1);
CREATE TABLE nonce_2 PARTITION OF nonce FOR VALUES IN (2);
CREATE TABLE nonce_3 PARTITION OF nonce FOR VALUES IN (3);
