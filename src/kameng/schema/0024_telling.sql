-- Who is told what, orders that risk wants looked at, money returned to guests, marks of older orders.

-- 消息订阅: whom an organisation, or the platform's staff (0), wants told of a topic.
CREATE TABLE notice_subscription (
  subscription_id bigint PRIMARY KEY,
  org_id bigint NOT NULL,
  topic text NOT NULL,
  channel text NOT NULL CHECK (channel IN ('mail', 'sms', 'wecom', 'dingtalk', 'feishu')),
  language text NOT NULL CHECK (language IN ('zh', 'en', 'both')),
  address bytea NOT NULL,                        -- sealed
  address_hash bytea NOT NULL,
  shown text NOT NULL,                           -- masked
  created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX notice_subscription_once ON notice_subscription (org_id, topic, channel, address_hash);

-- A message knows its language, and what it is about: nobody is told the same twice within its topic's time.
ALTER TABLE message
  ADD COLUMN language text NOT NULL DEFAULT 'both' CHECK (language IN ('zh', 'en', 'both')),
  ADD COLUMN about text NOT NULL DEFAULT '',
  ADD COLUMN shown text NOT NULL DEFAULT '';     -- its address, masked
CREATE INDEX message_of_organisation ON message (lane, org_id, message_id);

-- What lies on the desk and was told to staff; a second time when it has waited for too long.
CREATE TABLE desk_told (
  lane smallint NOT NULL,
  job_id bigint NOT NULL,
  was_overdue boolean NOT NULL,
  PRIMARY KEY (lane, job_id)
);

-- 人工审核: risk lets an order in, and a person lets it go on.
ALTER TABLE risk_listing DROP CONSTRAINT risk_listing_verdict_check;
ALTER TABLE risk_listing ADD CONSTRAINT risk_listing_verdict_check CHECK (verdict IN ('refuse', 'review', 'allow'));
ALTER TABLE risk_rule ADD COLUMN outcome text NOT NULL DEFAULT 'refuse' CHECK (outcome IN ('refuse', 'review'));

ALTER TABLE order_payment
  ADD COLUMN language text NOT NULL DEFAULT 'both' CHECK (language IN ('zh', 'en', 'both')), -- of a guest
  ADD COLUMN needs_review boolean NOT NULL DEFAULT false; -- held when it is paid

-- Money that went back to a guest through his channel or bank, each by its own reference, once for ever.
CREATE TABLE payment_return (
  reference text PRIMARY KEY CHECK (length(reference) BETWEEN 1 AND 100),
  order_id bigint NOT NULL,
  amount_e4 bigint NOT NULL CHECK (amount_e4 > 0)
);

-- How far the marks of orders are made that were written before there were marks; no row: all of them are.
CREATE TABLE order_mark_older (
  lane smallint NOT NULL,
  after_id bigint NOT NULL,
  until_id bigint NOT NULL,
  PRIMARY KEY (lane)
);
INSERT INTO order_mark_older (lane, after_id, until_id)
SELECT l.lane, 0, o.until_id FROM lane l
JOIN (SELECT lane, max(order_id) AS until_id FROM orders WHERE account IS NOT NULL GROUP BY lane) AS o USING (lane);
