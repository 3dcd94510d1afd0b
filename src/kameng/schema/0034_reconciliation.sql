-- Reconciliation 对账: what providers say happened on a day, compared line by line with payments and ledger.

-- A bill of one channel and day of China: where it stands. One row each, read and written by whoever reconciles.
CREATE TABLE bill (
  channel_id int NOT NULL,
  day date NOT NULL,
  state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'fetched', 'settled', 'closed')),
  lines int NOT NULL DEFAULT 0,
  payment_e4 bigint NOT NULL DEFAULT 0,
  refund_e4 bigint NOT NULL DEFAULT 0,
  fee_e4 bigint NOT NULL DEFAULT 0,
  digest bytea,                                  -- of its lines: whether another fetch brings the same
  tries int NOT NULL DEFAULT 0,
  said text NOT NULL DEFAULT '',                 -- why it is not there, or what is odd about it
  next_at timestamptz NOT NULL,                  -- when it is asked for again, while it waits
  fetched_at timestamptz,
  settled_at timestamptz,
  closed_at timestamptz,                         -- its buffer is over: what is still missing is a case
  PRIMARY KEY (channel_id, day),
  CHECK ((state = 'waiting') = (fetched_at IS NULL)),
  CHECK ((state IN ('settled', 'closed')) = (settled_at IS NOT NULL)),
  CHECK ((state = 'closed') = (closed_at IS NOT NULL))
);

-- Its lines, each in the lane of the payment that it names: a day is matched lane by lane, by hash join.
CREATE TABLE bill_line (
  lane smallint NOT NULL,
  channel_id int NOT NULL,
  day date NOT NULL,
  line_key text NOT NULL CHECK (length(line_key) BETWEEN 1 AND 150),
  kind text NOT NULL CHECK (kind IN ('payment', 'refund')),
  payment_no text NOT NULL,
  refund_no text NOT NULL,
  provider_no text NOT NULL,
  subject_id bigint NOT NULL,                    -- our payment or refund by its number; 0: none of ours
  amount_e4 bigint NOT NULL CHECK (amount_e4 >= 0),
  fee_e4 bigint NOT NULL,
  at timestamptz NOT NULL,
  said text NOT NULL DEFAULT '',                 -- the provider's own word
  PRIMARY KEY (lane, channel_id, day, line_key)
);
CREATE INDEX bill_line_subject ON bill_line (lane, channel_id, subject_id);

-- What a bill moved in a lane: once for ever.
CREATE TABLE bill_settlement (
  lane smallint NOT NULL,
  channel_id int NOT NULL,
  day date NOT NULL,
  lines int NOT NULL,
  differences int NOT NULL,
  payment_e4 bigint NOT NULL,
  refund_e4 bigint NOT NULL,
  net_e4 bigint NOT NULL,                        -- from the provider to the bank
  fee_e4 bigint NOT NULL,                        -- of it, what was kept less than reckoned: taken as it is
  left_keys text[] NOT NULL DEFAULT '{}',        -- lines that are still to become cases
  at timestamptz NOT NULL,
  PRIMARY KEY (lane, channel_id, day)
);

-- 差错: what does not match. Its money waits in suspense until somebody, or a later bill, resolves it.
CREATE TABLE bill_case (
  lane smallint NOT NULL,
  case_id bigint NOT NULL,
  channel_id int NOT NULL,
  day date NOT NULL,
  line_key text NOT NULL,                        -- of the line; of what has none: short:NUMBER
  line_kind text NOT NULL CHECK (line_kind IN ('payment', 'refund')),
  kind text NOT NULL CHECK (kind IN ('LONG', 'SHORT', 'AMOUNT', 'STATUS', 'FEE', 'DUPLICATE', 'CUT_OFF')),
  subject_id bigint NOT NULL,                    -- the line's payment or refund; 0: none of ours
  payment_id bigint,
  bill_e4 bigint NOT NULL,                       -- what the bill says; 0: nothing
  book_e4 bigint NOT NULL,                       -- what the books say
  currency text NOT NULL,
  suspense_e4 bigint NOT NULL,                   -- put there: above zero, the provider had more than we knew
  rest_e4 bigint NOT NULL,                       -- what it keeps away from the channel's account, also when resolved
  state text NOT NULL CHECK (state IN ('open', 'taken', 'asked', 'resolved')),
  opened_at timestamptz NOT NULL,
  due_at timestamptz NOT NULL,
  owner_id bigint,
  act text CHECK (act IN ('accept', 'write_off', 'credit', 'pay_out', 'offset', 'cleared')),
  detail jsonb,                                  -- of the act: whose wallet, which reference, which other case
  reason text NOT NULL DEFAULT '',
  asked_by bigint,                               -- whoever chose the act
  second_id bigint,                              -- whoever agreed
  resolved_at timestamptz,
  transfer_id bigint,
  PRIMARY KEY (lane, case_id),
  CONSTRAINT bill_case_second_person CHECK (second_id <> asked_by),
  CONSTRAINT bill_case_write_off CHECK (act <> 'write_off' OR state <> 'resolved' OR second_id IS NOT NULL),
  CHECK ((state = 'resolved') = (resolved_at IS NOT NULL)),
  CHECK (state <> 'resolved' OR act IS NOT NULL),
  CHECK (state <> 'asked' OR asked_by IS NOT NULL)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX bill_case_line ON bill_case (lane, channel_id, day, line_key);
CREATE INDEX bill_case_open ON bill_case (lane, due_at) WHERE state <> 'resolved';
CREATE INDEX bill_case_subject ON bill_case (lane, channel_id, line_kind, subject_id) WHERE subject_id > 0;

-- 银行流水: money that came in by transfer, as a statement tells it, each line once.
CREATE TABLE bank_credit (
  lane smallint NOT NULL,
  credit_id bigint NOT NULL,
  channel_id int NOT NULL,
  line_key text NOT NULL CHECK (length(line_key) BETWEEN 1 AND 150),
  at timestamptz NOT NULL,
  amount_e4 bigint NOT NULL CHECK (amount_e4 > 0),
  payer text NOT NULL,
  remark text NOT NULL,
  reference text NOT NULL,                       -- the code found in its remark; '': none
  state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'taken', 'ignored')),
  payment_id bigint,
  settled_e4 bigint NOT NULL DEFAULT 0,          -- moved from the channel to the bank
  imported_at timestamptz NOT NULL,
  decided_by bigint,
  reason text NOT NULL DEFAULT '',
  PRIMARY KEY (lane, credit_id),
  CHECK (state <> 'taken' OR payment_id IS NOT NULL)
);
CREATE UNIQUE INDEX bank_credit_line ON bank_credit (lane, channel_id, line_key);
CREATE INDEX bank_credit_waiting ON bank_credit (lane, channel_id, credit_id) WHERE state = 'waiting';
CREATE INDEX payment_bank_reference ON payment (lane, (shown #>> '{fields,reference}')) WHERE method = 'bank';

-- Lines beside what we have of them: payments, refunds and the transfers that booked them. ``verdict`` NULL: they agree.
-- ``gap_e4`` is what the line moves at the provider less what our books moved there.
CREATE VIEW bill_judged AS
SELECT s.lane, s.channel_id, s.day, s.line_key, s.kind, s.subject_id, s.payment_id, s.provider_no, s.at, s.amount_e4,
       s.fee_e4, s.net_e4, s.book_e4,
       CASE
         WHEN NOT s.is_known THEN 'LONG'
         WHEN s.nth > 1 OR s.is_elsewhere THEN 'DUPLICATE'
         WHEN s.book_e4 IS NULL OR NOT s.is_posted THEN 'STATUS'
         WHEN s.amount_e4 <> s.book_e4 THEN 'AMOUNT'
         WHEN NOT s.fee_is_right THEN 'FEE'
         WHEN s.own_day <> s.day THEN 'CUT_OFF'
       END AS verdict,
       CASE WHEN s.is_known AND s.nth = 1 AND NOT s.is_elsewhere AND s.book_e4 IS NOT NULL AND s.is_posted
         THEN s.net_e4 - s.ours_e4 ELSE s.net_e4 END AS gap_e4
FROM (
  SELECT j.*,
         (j.own_day <> j.day AND EXISTS (
            SELECT FROM bill_line o WHERE o.lane = j.lane AND o.channel_id = j.channel_id AND o.subject_id = j.subject_id
            AND o.kind = j.kind AND o.day BETWEEN j.day - 7 AND j.day + 7 AND (o.day < j.day OR o.day = j.own_day)))
         OR (j.cut_day IS NOT NULL AND j.cut_day <> j.day) AS is_elsewhere
  FROM (
    SELECT l.lane, l.channel_id, l.day, l.line_key, l.kind, l.subject_id, l.provider_no, l.at, l.amount_e4, l.fee_e4,
           CASE l.kind WHEN 'payment' THEN l.amount_e4 ELSE -l.amount_e4 END - l.fee_e4 AS net_e4, l.nth,
           coalesce(p.payment_id, r.payment_id) AS payment_id,
           CASE l.kind WHEN 'payment' THEN p.payment_id ELSE r.refund_id END IS NOT NULL AS is_known,
           CASE WHEN l.kind = 'payment' THEN p.paid_e4 WHEN r.state = 'done' THEN r.amount_e4 END AS book_e4,
           CASE l.kind WHEN 'payment' THEN p.paid_e4 - p.fee_e4 ELSE -r.amount_e4 END AS ours_e4,
           coalesce(t.amount_e4 = CASE l.kind WHEN 'payment' THEN p.paid_e4 ELSE r.amount_e4 END
             AND CASE l.kind WHEN 'payment' THEN t.debit_account ELSE t.credit_account END = a.account_id, false)
             AS is_posted,
           CASE l.kind
             WHEN 'payment' THEN abs(l.fee_e4 - p.fee_e4) <= 100
             ELSE l.fee_e4 BETWEEN -100 - p.fee_e4::numeric * r.amount_e4 / p.paid_e4 AND 100
           END AS fee_is_right,
           (CASE l.kind WHEN 'payment' THEN p.paid_at ELSE r.ended_at END AT TIME ZONE interval '8 hours')::date AS own_day,
           c.day AS cut_day
    FROM (
      SELECT b.*, row_number() OVER (PARTITION BY b.lane, b.channel_id, b.day, b.kind, b.subject_id ORDER BY b.line_key)
        AS nth
      FROM bill_line b
    ) AS l
    LEFT JOIN payment_refund r ON l.kind = 'refund' AND r.lane = l.lane AND r.channel_id = l.channel_id
      AND r.refund_id = l.subject_id
    LEFT JOIN payment p ON p.lane = l.lane AND p.channel_id = l.channel_id
      AND p.payment_id = CASE l.kind WHEN 'payment' THEN l.subject_id ELSE r.payment_id END
    LEFT JOIN transfer t ON t.lane = l.lane
      AND t.transfer_id = CASE l.kind WHEN 'payment' THEN p.transfer_id ELSE r.transfer_id END
    LEFT JOIN account a ON a.lane = l.lane AND a.channel_id = l.channel_id AND a.code = 'channel'
    LEFT JOIN bill_case c ON c.lane = l.lane AND c.channel_id = l.channel_id AND c.line_kind = l.kind
      AND c.subject_id = l.subject_id AND c.subject_id > 0
      AND (c.kind = 'CUT_OFF' OR c.kind = 'SHORT' AND c.state = 'resolved' AND c.act <> 'cleared')
  ) AS j
) AS s;
