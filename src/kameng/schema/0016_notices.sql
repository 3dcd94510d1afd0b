-- Webhooks, the change feed, and messages to people.
-- A delivery that goes well leaves no row of its own: its endpoint's cursor passes its event, and one line of the log
-- tells of many (docs/adr/0014-webhooks-by-cursor.md). Rows stand only for what is late.

CREATE INDEX event_feed_order ON event (lane, org_id, event_id) WHERE due;

CREATE TABLE event_feed (                        -- organisations whose events are kept to be read, from since_id on
  lane smallint NOT NULL,
  org_id bigint NOT NULL,
  since_id bigint NOT NULL,
  opened_at timestamptz NOT NULL,
  PRIMARY KEY (lane, org_id)
);

CREATE TABLE webhook_endpoint (
  lane smallint NOT NULL,
  endpoint_id bigint NOT NULL,
  org_id bigint NOT NULL,
  name text NOT NULL,
  url text NOT NULL,
  kinds text[] NOT NULL DEFAULT '{}',            -- 'order.delivered', 'order.*'; none: all
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'disabled', 'removed')),
  reason text NOT NULL DEFAULT '',               -- why it is disabled
  changed bigint NOT NULL,                       -- serial of the lane's transaction that changed what stands above
  created_at timestamptz NOT NULL,
  cursor_id bigint NOT NULL,                     -- every event up to here is delivered, late or not wanted
  failures int NOT NULL DEFAULT 0,               -- in a row
  failing_since timestamptz,
  paused_until timestamptz,                      -- while it fails: the next probe
  PRIMARY KEY (lane, endpoint_id)
) WITH (fillfactor = 50);
CREATE INDEX webhook_endpoint_changed ON webhook_endpoint (lane, changed);
CREATE INDEX webhook_endpoint_organisation ON webhook_endpoint (lane, org_id);

CREATE TABLE webhook_secret (
  lane smallint NOT NULL,
  secret_id bigint NOT NULL,
  endpoint_id bigint NOT NULL,
  sealed bytea NOT NULL,
  until timestamptz,                             -- a rotated one signs beside the new one until then
  PRIMARY KEY (lane, secret_id)
);
CREATE INDEX webhook_secret_endpoint ON webhook_secret (lane, endpoint_id);

CREATE TABLE webhook_late (                      -- at most one for each subject: a later event takes its place
  lane smallint NOT NULL,
  endpoint_id bigint NOT NULL,
  subject_id bigint NOT NULL,
  sequence int NOT NULL,
  attempts int NOT NULL,
  next_at timestamptz NOT NULL,
  PRIMARY KEY (lane, endpoint_id, subject_id)
) WITH (fillfactor = 70);

CREATE TABLE webhook_replay (
  lane smallint NOT NULL,
  replay_id bigint NOT NULL,
  endpoint_id bigint NOT NULL,
  after_id bigint NOT NULL,                      -- moves on as events are sent again
  until_id bigint NOT NULL,
  PRIMARY KEY (lane, replay_id)
);
CREATE INDEX webhook_replay_endpoint ON webhook_replay (lane, endpoint_id);

CREATE TABLE webhook_log (                       -- each row tells of many attempts, by position
  lane smallint NOT NULL,
  log_id bigint NOT NULL,
  endpoint_id bigint NOT NULL,
  at timestamptz NOT NULL,
  event_ids bigint[] NOT NULL,
  statuses smallint[] NOT NULL,                  -- 0: no answer
  took_ms int[] NOT NULL,
  attempts smallint[] NOT NULL,
  faults text[] NOT NULL,                        -- '' where it went well
  PRIMARY KEY (lane, log_id)
);
CREATE INDEX webhook_log_endpoint ON webhook_log (lane, endpoint_id, log_id);

CREATE TABLE webhook_lane (                      -- one process serves a lane's endpoints: the one whose token stands here
  lane smallint PRIMARY KEY,
  lease_token bigint NOT NULL,
  lease_until timestamptz NOT NULL
) WITH (fillfactor = 10);

CREATE TABLE message (                           -- to people: mail, SMS, robots of group chats
  lane smallint NOT NULL,
  message_id bigint NOT NULL,
  org_id bigint NOT NULL,
  channel text NOT NULL CHECK (channel IN ('mail', 'sms', 'wecom', 'dingtalk', 'feishu')),
  template text NOT NULL,
  facts jsonb NOT NULL,                          -- what the template says; no secrets
  address bytea NOT NULL,                        -- sealed
  address_hash bytea NOT NULL,
  state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sent')),
  receipt text NOT NULL DEFAULT '',              -- what the channel answered with
  created_at timestamptz NOT NULL,
  sent_at timestamptz,
  PRIMARY KEY (lane, message_id)
);
CREATE INDEX message_address ON message (lane, address_hash, created_at);
