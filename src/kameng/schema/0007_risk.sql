-- Lists: who or what is always refused, or always let through.
CREATE TABLE risk_listing (
  entity text NOT NULL CHECK (entity IN ('ip', 'organisation', 'target')),
  value text NOT NULL,                           -- an IP or network, an organisation id, a keyed hash in hex
  verdict text NOT NULL CHECK (verdict IN ('refuse', 'allow')),
  reason text NOT NULL,
  until timestamptz,
  changed bigint NOT NULL,
  PRIMARY KEY (entity, value)
);
-- Velocity: at most `limit_count` orders or `limit_e4` money of one entity in a window.
CREATE TABLE risk_rule (
  rule_id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL UNIQUE,
  entity text NOT NULL CHECK (entity IN ('ip', 'organisation', 'target')),
  kinds text[] NOT NULL DEFAULT '{}',            -- kinds of SKU it looks at; empty: all
  window_s int NOT NULL CHECK (window_s BETWEEN 1 AND 86400),
  limit_count int CHECK (limit_count >= 0),
  limit_e4 bigint CHECK (limit_e4 >= 0),
  enabled boolean NOT NULL DEFAULT true,
  changed bigint NOT NULL,
  CHECK (limit_count IS NOT NULL OR limit_e4 IS NOT NULL)
);
-- What crosses lanes (IP, target number): reserved before the batch, distributed by the entity's hash.
CREATE TABLE counter (
  entity_hash bytea NOT NULL,
  rule_id int NOT NULL,
  window_start bigint NOT NULL,                  -- Unix seconds
  taken_count int NOT NULL DEFAULT 0,
  taken_e4 bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (entity_hash, rule_id, window_start)
) WITH (fillfactor = 50);
-- What stays in a lane (an organisation's velocity, a key's money of the day): written with the batch.
CREATE TABLE lane_counter (
  lane smallint NOT NULL,
  entity_id bigint NOT NULL,                     -- organisation or key
  rule_id int NOT NULL,                          -- 0: a key's money of the day
  window_start bigint NOT NULL,
  taken_count int NOT NULL DEFAULT 0,
  taken_e4 bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (lane, entity_id, rule_id, window_start)
) WITH (fillfactor = 50);
