-- Agents' own payment channels 自收款通道: whose customers may pay by them, beside the platform's or instead.

-- Two agents may call theirs the same.
ALTER TABLE payment_channel DROP CONSTRAINT payment_channel_name_key;
CREATE UNIQUE INDEX payment_channel_name ON payment_channel (org_id, name);

-- Whether an agent's shop offers the platform's channels too, after its own; without a row it does not.
CREATE TABLE channel_use (
  org_id bigint PRIMARY KEY,
  rule text NOT NULL CHECK (rule IN ('only', 'first')),
  changed_at timestamptz NOT NULL,
  changed_by bigint NOT NULL
);
