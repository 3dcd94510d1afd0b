-- The kit's tables: lanes, epochs, events, audit lines, jobs, timetable.
-- Lane tables lead with `lane`; the rest are small reference tables (design: architecture §1.2).

CREATE TABLE lane (
  lane smallint PRIMARY KEY CHECK (lane BETWEEN 0 AND 1023),
  last_tick bigint NOT NULL DEFAULT 0,           -- the last id tick dealt here
  serial bigint NOT NULL DEFAULT 0,              -- writing transactions so far
  organisations int NOT NULL DEFAULT 0
) WITH (fillfactor = 10);                        -- updated by every transaction: always in place

CREATE TABLE epoch (
  topic text PRIMARY KEY,
  value bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10);
INSERT INTO epoch (topic) VALUES ('catalogue'), ('prices'), ('identity'), ('risk'), ('stock');

-- What happened. The row is the outbox too: a due event is owed to the organisation's webhooks.
CREATE TABLE event (
  lane smallint NOT NULL,
  subject_id bigint NOT NULL,                    -- the order, organisation, card batch … it happened to
  sequence int NOT NULL,                         -- 1, 2, 3 … within the subject
  event_id bigint NOT NULL,
  org_id bigint NOT NULL,
  kind text NOT NULL,
  actor_id bigint NOT NULL,                      -- API key, person, or 0 for Kameng itself
  at timestamptz NOT NULL,
  data jsonb,
  due boolean NOT NULL DEFAULT false,
  PRIMARY KEY (lane, subject_id, sequence)
);
CREATE INDEX event_due ON event (lane, event_id) WHERE due;

CREATE TABLE audit_line (
  lane smallint NOT NULL,
  audit_id bigint NOT NULL,
  at timestamptz NOT NULL,
  org_id bigint NOT NULL,
  actor_id bigint NOT NULL,
  act text NOT NULL,
  subject_id bigint NOT NULL,
  data jsonb,
  PRIMARY KEY (lane, audit_id)
);
CREATE INDEX audit_line_subject ON audit_line (lane, subject_id);

CREATE TABLE job (
  lane smallint NOT NULL,
  job_id bigint NOT NULL,
  kind text NOT NULL,
  subject_id bigint NOT NULL,
  payload jsonb,
  state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'leased', 'sending', 'dead', 'unknown')),
  due_at timestamptz NOT NULL,
  attempts int NOT NULL DEFAULT 0,
  lease_token bigint,
  lease_until timestamptz,
  error text,
  PRIMARY KEY (lane, job_id),
  CHECK ((state IN ('leased', 'sending')) = (lease_token IS NOT NULL))
) WITH (fillfactor = 70);
CREATE INDEX job_due ON job (lane, kind, due_at, job_id) WHERE state = 'waiting';
CREATE INDEX job_leased ON job (lane, lease_until) WHERE state IN ('leased', 'sending');
CREATE INDEX job_desk ON job (lane, job_id) WHERE state IN ('dead', 'unknown');
CREATE INDEX job_subject ON job (lane, subject_id);

CREATE TABLE timetable (
  name text PRIMARY KEY,
  next_at timestamptz NOT NULL,
  lease_token bigint,
  lease_until timestamptz,
  last_at timestamptz,
  last_ms int,
  last_error text
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER audit_line_stands BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_line
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
