-- What people do with lists: saved views, acts on many rows, exports; and an index of what is new.

-- A view of a list that a person keeps, for the organisation he works for.
CREATE TABLE saved_view (
  person_id bigint NOT NULL,
  view_id bigint NOT NULL,
  org_id bigint NOT NULL,
  path text NOT NULL,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 40),
  query text NOT NULL CHECK (length(query) <= 2000),
  created_at timestamptz NOT NULL,
  PRIMARY KEY (person_id, view_id)
);

-- An act on many rows, or an export of them: what was asked, how far it is, how it ended.
CREATE TABLE list_run (
  lane smallint NOT NULL,
  run_id bigint NOT NULL,
  org_id bigint NOT NULL,
  person_id bigint NOT NULL,
  kind text NOT NULL CHECK (kind IN ('act', 'export')),
  plan text NOT NULL,                             -- which plan of the pages: "orders.cancel"
  query text NOT NULL,                            -- what the list was asked
  wanted bigint[],                                -- the rows that were chosen; NULL: all that match
  up_to bigint NOT NULL,                          -- rows beyond it came later and are not meant
  reason text NOT NULL DEFAULT '' CHECK (length(reason) <= 500),
  language text NOT NULL DEFAULT 'zh',
  form text NOT NULL DEFAULT '' CHECK (form IN ('', 'csv', 'xlsx')),
  state text NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed', 'stopped')),
  total integer NOT NULL CHECK (total >= 0),      -- as counted before it began
  done integer NOT NULL DEFAULT 0,
  refused integer NOT NULL DEFAULT 0,
  amount_e4 bigint NOT NULL DEFAULT 0,
  refusals jsonb NOT NULL DEFAULT '[]',           -- of the first of them: row, code
  place text,                                     -- how far it is, as its plan says it
  pending jsonb NOT NULL DEFAULT '[]',            -- rows that are being done: number, amount
  file_name text NOT NULL DEFAULT '',
  file_bytes bigint NOT NULL DEFAULT 0,
  is_stop_asked boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL,
  ended_at timestamptz,
  expires_at timestamptz NOT NULL,                -- then it is purged, its file with it
  PRIMARY KEY (lane, run_id),
  CHECK ((state IN ('done', 'failed', 'stopped')) = (ended_at IS NOT NULL))
);
CREATE INDEX list_run_of_person ON list_run (lane, org_id, person_id, run_id);
CREATE INDEX list_run_expiry ON list_run (lane, expires_at);

-- Where the rows of late lie: a few bytes for many of them, so that orders pay next to nothing for it.
CREATE INDEX event_recent ON event USING brin (event_id) WITH (pages_per_range = 16, autosummarize = on);
CREATE INDEX archived_event_recent ON archived_event USING brin (event_id) WITH (pages_per_range = 64);
