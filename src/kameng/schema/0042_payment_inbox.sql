-- What providers told in a storm: proved and acknowledged, and written down before it has its effect (ADR 0021). A row
-- leaves in the transaction that does what it asks for and that notes the event in payment_notice.

CREATE TABLE payment_inbox (
  lane smallint NOT NULL,
  channel_id int NOT NULL,
  event_id text NOT NULL CHECK (length(event_id) BETWEEN 1 AND 200),
  kind text NOT NULL CHECK (kind IN ('payment', 'refund', 'other')),
  facts jsonb NOT NULL,                          -- what the provider proved
  said text,                                     -- what it sent, masked; as in payment_message
  at timestamptz NOT NULL,                       -- when it was acknowledged
  due_at timestamptz NOT NULL,                   -- later than that once it was tried in vain
  tries smallint NOT NULL DEFAULT 0,
  PRIMARY KEY (lane, channel_id, event_id)
);
CREATE INDEX payment_inbox_due ON payment_inbox (lane, due_at, channel_id, event_id);
