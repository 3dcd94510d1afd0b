-- Who signs in at the pages: sessions and their devices; customers of shops.

ALTER TABLE organisation DROP CONSTRAINT organisation_kind_check;
ALTER TABLE organisation ADD CONSTRAINT organisation_kind_check
  CHECK (kind IN ('platform', 'merchant', 'agent', 'supplier', 'customer'));

-- A person's sign-in on one device. The cookie holds the token; here is its hash only.
CREATE TABLE web_session (
  person_id bigint NOT NULL,
  token_hash bytea NOT NULL,
  session_id bigint NOT NULL,
  org_id bigint,                                  -- the organisation that he works for just now
  factor text NOT NULL CHECK (factor IN ('password', 'totp', 'passkey', 'code', 'recovery', 'command')),
  ip text NOT NULL,
  agent text NOT NULL,                            -- the browser, as it named itself
  created_at timestamptz NOT NULL,
  seen_at timestamptz NOT NULL,
  proved_at timestamptz NOT NULL,                 -- when whoever sits there proved last who he is
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (person_id, token_hash)
);
CREATE INDEX web_session_expiry ON web_session (expires_at);
