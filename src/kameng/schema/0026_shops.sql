-- Shops: who sells to consumers under which name, and at which domain.

CREATE TABLE shop (
  org_id bigint PRIMARY KEY,                      -- the platform's own, or an agent
  domain text UNIQUE CHECK (domain = lower(domain)), -- NULL: not reached by a domain of its own
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 40),
  tagline text NOT NULL DEFAULT '' CHECK (length(tagline) <= 100),
  accent text NOT NULL DEFAULT '' CHECK (accent ~ '^(#[0-9a-f]{6})?$'), -- the colour of its buttons; '': the house's
  notice text NOT NULL DEFAULT '' CHECK (length(notice) <= 500),
  contact text NOT NULL DEFAULT '' CHECK (length(contact) <= 200),
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed')),
  created_at timestamptz NOT NULL
);
