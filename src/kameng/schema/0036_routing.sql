-- Smart routing: what operators want, the books that decisions are made by, and what is learned from what happens.

-- How channels are chosen; one row, once somebody changed what is built in.
CREATE TABLE routing_policy (
  is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
  policy jsonb NOT NULL,
  changed_by bigint NOT NULL,
  changed_at timestamptz NOT NULL
);

-- What operators want where some conditions hold; read in the order of their places.
CREATE TABLE routing_rule (
  rule_id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  place int NOT NULL,
  rule jsonb NOT NULL,
  changed_by bigint NOT NULL,
  changed_at timestamptz NOT NULL,
  ended_at timestamptz
);

-- Channels, rules and policy as decisions saw them, each content once for ever.
CREATE TABLE routing_book (
  revision int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  digest bytea NOT NULL UNIQUE,
  book jsonb NOT NULL,
  made_at timestamptz NOT NULL
);
CREATE TRIGGER routing_book_stands BEFORE UPDATE OR DELETE OR TRUNCATE ON routing_book
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What a process heard of creates and money within a second, for the learners of all others.
CREATE TABLE routing_sheet (
  lane smallint NOT NULL,
  sheet_id bigint NOT NULL,
  writer text NOT NULL,
  heard bytea NOT NULL,
  PRIMARY KEY (lane, sheet_id)
);

-- What a learner kept, for processes that start; one row.
CREATE TABLE routing_memory (
  lane smallint PRIMARY KEY,
  state bytea NOT NULL,
  seen_id bigint NOT NULL,                       -- the last sheet that is in it
  at timestamptz NOT NULL
);

ALTER TABLE payment_channel ADD COLUMN day_target_e4 bigint CHECK (day_target_e4 > 0); -- to be begun there on a day
ALTER TABLE payment ADD COLUMN propensity double precision; -- of its channel, filled in later
