-- What operators look at: payments by their provider's number, refunds that are not done, orders whose buyers may
-- confirm; what providers sent, as it came; and money that goes back to its origin for a difference between bill and books.

CREATE INDEX payment_provider ON payment (lane, provider_no) WHERE provider_no <> '';
CREATE INDEX payment_notice_refund ON payment_notice (lane, refund_id) WHERE refund_id IS NOT NULL;
CREATE INDEX payment_refund_open ON payment_refund (lane, refund_id) WHERE state <> 'done';
CREATE INDEX orders_confirming ON orders (lane, order_id) WHERE confirm_until IS NOT NULL;

-- What a provider sent, byte for byte but for what is masked in it. Kept for as long as other private data.
CREATE TABLE payment_message (
  lane smallint NOT NULL,
  channel_id int NOT NULL,
  event_id text NOT NULL,
  at timestamptz NOT NULL,
  said text NOT NULL,                            -- JSON: method, query, headers, body
  PRIMARY KEY (lane, channel_id, event_id)
);
CREATE INDEX payment_message_age ON payment_message (lane, at);

-- A refund of what no payment of ours brought: of a difference, by what the bill's line says of its origin. And what a
-- person did about a refund that its provider would not do.
ALTER TABLE payment_refund
  DROP CONSTRAINT payment_refund_cause_check,
  ADD CONSTRAINT payment_refund_cause_check CHECK (cause IN ('order', 'late', 'double', 'mismatch', 'case')),
  ADD COLUMN case_id bigint,
  ADD COLUMN origin jsonb,                       -- the payment's numbers at its provider, its amount, when it was
  ADD COLUMN hand_no text CHECK (length(hand_no) BETWEEN 1 AND 100), -- of the transfer that a person made instead
  ADD COLUMN hand_by bigint,
  ADD COLUMN hand_at timestamptz,
  ADD CONSTRAINT payment_refund_of_case CHECK ((cause = 'case') = (case_id IS NOT NULL)
    AND (cause = 'case') = (origin IS NOT NULL) AND (cause = 'case') = (payment_id = 0)),
  ADD CONSTRAINT payment_refund_by_hand CHECK ((hand_no IS NULL) = (hand_by IS NULL) AND (hand_no IS NULL) = (hand_at IS NULL)
    AND (hand_no IS NULL OR state IN ('failed', 'abnormal')));
CREATE INDEX payment_refund_case ON payment_refund (lane, case_id) WHERE case_id IS NOT NULL;

ALTER TABLE bill_case
  DROP CONSTRAINT bill_case_state_check,
  ADD CONSTRAINT bill_case_state_check CHECK (state IN ('open', 'taken', 'asked', 'returning', 'resolved')),
  DROP CONSTRAINT bill_case_act_check,
  ADD CONSTRAINT bill_case_act_check
    CHECK (act IN ('accept', 'write_off', 'credit', 'pay_out', 'offset', 'refund', 'cleared'));
