-- Second factors, codes sent to people, limits of trying, the record of sign-ins, invitations.

-- Where a session was begun, as the lists of addresses said then.
ALTER TABLE web_session
  ADD COLUMN place_zh text NOT NULL DEFAULT '',
  ADD COLUMN place_en text NOT NULL DEFAULT '';

-- An authenticator app. Not confirmed: it was shown, and no code of it was seen yet.
CREATE TABLE totp_secret (
  person_id bigint PRIMARY KEY,
  sealed bytea NOT NULL,
  is_confirmed boolean NOT NULL DEFAULT false,
  last_step bigint NOT NULL DEFAULT 0,            -- of the last code taken: none is taken twice
  created_at timestamptz NOT NULL
);

CREATE TABLE passkey (
  person_id bigint NOT NULL,
  credential_id bytea NOT NULL,
  public_key bytea NOT NULL,
  sign_count bigint NOT NULL,
  domain text NOT NULL,                           -- the one it works at
  name text NOT NULL,
  created_at timestamptz NOT NULL,
  used_at timestamptz,
  PRIMARY KEY (person_id, credential_id)
);

-- Codes for whoever lost everything else: each once.
CREATE TABLE recovery_code (
  person_id bigint NOT NULL,
  code_hash bytea NOT NULL,
  used_at timestamptz,
  PRIMARY KEY (person_id, code_hash)
);

-- What somebody has to answer: a code sent to an address, or a passkey's challenge. Answered once.
CREATE TABLE challenge (
  challenge_id bigint PRIMARY KEY,
  address_hash bytea,
  code_hash bytea,
  tries smallint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  answered_at timestamptz,
  spent_at timestamptz                            -- when what its answer allowed was done
);
CREATE INDEX challenge_expiry ON challenge (expires_at);

-- How often something was tried (a password, a code, a sending), by a keyed hash of whom or where it was tried.
CREATE TABLE try_limit (
  key bytea PRIMARY KEY,
  tries int NOT NULL,
  last_at timestamptz NOT NULL,
  free_at timestamptz NOT NULL
);
CREATE INDEX try_limit_age ON try_limit (last_at);

-- Every sign-in, good and bad. person_id 0: nobody has that name.
CREATE TABLE sign_in_event (
  event_id bigint PRIMARY KEY,                    -- of the time it happened, so that it sorts by it
  person_id bigint NOT NULL,
  at timestamptz NOT NULL,
  method text NOT NULL CHECK (method IN ('password', 'totp', 'passkey', 'code', 'recovery', 'command')),
  outcome text NOT NULL CHECK (outcome IN ('signed_in', 'refused', 'proved', 'proof_refused', 'locked')),
  shown text NOT NULL,                            -- what was typed, masked
  ip text NOT NULL,
  place_zh text NOT NULL,
  place_en text NOT NULL,
  agent text NOT NULL
);
CREATE INDEX sign_in_event_person ON sign_in_event (person_id, event_id);

CREATE TABLE invitation (
  lane smallint NOT NULL,
  invitation_id bigint NOT NULL,
  org_id bigint NOT NULL,
  token_hash bytea NOT NULL,
  role text NOT NULL CHECK (role IN ('owner', 'finance', 'support', 'catalogue', 'risk', 'auditor', 'clerk')),
  shown text NOT NULL,                            -- whom it was sent to, masked
  invited_by bigint NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  accepted_by bigint,
  ended_at timestamptz,                           -- accepted, or taken back
  PRIMARY KEY (lane, invitation_id)
);
CREATE INDEX invitation_organisation ON invitation (lane, org_id, invitation_id);
