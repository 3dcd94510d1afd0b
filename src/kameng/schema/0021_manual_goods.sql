-- Goods that people work: who does it, until when, and what they answered.

-- The supplier's organisation that works a manual SKU by hand; 0: the platform's staff.
ALTER TABLE sku ADD COLUMN worked_by bigint NOT NULL DEFAULT 0 CHECK (worked_by >= 0);

-- An order, or a part of one, that somebody has to work: it lies in the order's lane.
CREATE TABLE manual_task (
  lane smallint NOT NULL,
  order_id bigint NOT NULL,
  part_no smallint NOT NULL CHECK (part_no >= 0),  -- 0: the whole order
  task_id bigint NOT NULL,
  sku_id bigint NOT NULL,
  sku_revision int NOT NULL,
  quantity int NOT NULL CHECK (quantity > 0),
  worker_org_id bigint NOT NULL,                 -- the supplier; 0: the staff
  state text NOT NULL CHECK (state IN ('open', 'taken', 'answered', 'refused', 'closed')),
  opened_at timestamptz NOT NULL,
  due_at timestamptz NOT NULL,                   -- the clock: beyond it the staff may take it
  warn_at timestamptz,                           -- when its supplier is warned; NULL: he was
  is_overdue boolean NOT NULL DEFAULT false,     -- that was told
  is_extended boolean NOT NULL DEFAULT false,    -- once
  is_begun boolean NOT NULL DEFAULT false,       -- somebody took it and did not give it back
  is_stop_asked boolean NOT NULL DEFAULT false,  -- its buyer wants it stopped
  taker_org_id bigint,                           -- who took, answered or refused it; 0: the staff
  taken_by bigint,                               -- his key, or the person
  taken_until timestamptz,                       -- then it is open again
  digest bytea,                                  -- keyed, of the answer or the refusal: the same again is the same
  ended_at timestamptz,
  reason text NOT NULL DEFAULT '' CHECK (length(reason) <= 500),
  news text,                                     -- what its supplier has to be told yet
  PRIMARY KEY (lane, order_id, part_no),
  CHECK ((state = 'taken') = (taken_until IS NOT NULL)),
  CHECK (state NOT IN ('taken', 'answered', 'refused') OR taker_org_id IS NOT NULL),
  CHECK ((state IN ('open', 'taken')) = (ended_at IS NULL)),
  CHECK ((state IN ('answered', 'refused')) = (digest IS NOT NULL))
);
CREATE UNIQUE INDEX manual_task_id ON manual_task (lane, task_id);
CREATE INDEX manual_task_live ON manual_task (lane, due_at, order_id, part_no) WHERE state IN ('open', 'taken');
CREATE INDEX manual_task_worker ON manual_task (lane, worker_org_id, due_at, order_id, part_no);
CREATE INDEX manual_task_news ON manual_task (lane, worker_org_id) WHERE news IS NOT NULL;

-- What came by hand for an order, or for a part of it.
CREATE TABLE manual_answer (
  lane smallint NOT NULL,
  order_id bigint NOT NULL,
  part_no smallint NOT NULL,
  sealed bytea NOT NULL,                         -- its text and cards
  image bytea,                                   -- sealed
  media_type text NOT NULL DEFAULT '' CHECK (media_type IN ('', 'image/png', 'image/jpeg', 'image/webp')),
  image_bytes int NOT NULL DEFAULT 0,
  answered_at timestamptz NOT NULL,
  PRIMARY KEY (lane, order_id, part_no),
  CHECK ((image IS NULL) = (media_type = ''))
);

-- after release

-- A job is named after what must act. Those that an older process left behind when their order moved on go.
DELETE FROM job j USING orders o
WHERE j.kind IN ('fulfilment.fulfil', 'fulfilment.withdraw') AND o.lane = j.lane AND o.order_id = j.subject_id
  AND o.state <> CASE j.kind WHEN 'fulfilment.fulfil' THEN 'fulfilling' ELSE 'cancelling' END;
UPDATE job j SET kind = CASE
    WHEN g.sandbox_of IS NOT NULL THEN 'fulfilment.rehearse'
    WHEN j.kind = 'fulfilment.fulfil' THEN 'fulfilment.' || (r.snapshot ->> 'kind')
    ELSE 'fulfilment.' || (r.snapshot ->> 'kind') || '_withdraw'
  END
FROM orders o JOIN sku_revision r ON r.sku_id = o.sku_id AND r.revision = o.sku_revision
JOIN organisation g ON g.lane = o.lane AND g.org_id = o.org_id
WHERE j.kind IN ('fulfilment.fulfil', 'fulfilment.withdraw') AND o.lane = j.lane AND o.order_id = j.subject_id;
