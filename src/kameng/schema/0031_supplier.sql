-- What suppliers do at their pages: licences and authorisations, files of cards on their way to the shelf, offers, and
-- how well they deliver.

-- Files, sealed in pieces; whose they are stands in a row of their owner, by the blob's id.
CREATE TABLE blob_piece (
  lane smallint NOT NULL,
  piece_id bigint NOT NULL,
  blob_id bigint NOT NULL,
  sealed bytea NOT NULL,
  PRIMARY KEY (lane, piece_id)
);
ALTER TABLE blob_piece ALTER COLUMN sealed SET STORAGE EXTERNAL; -- what is sealed can't be made smaller
CREATE INDEX blob_piece_blob ON blob_piece (lane, blob_id, piece_id);

-- A licence or an authorisation of an organisation, with the state of its review.
CREATE TABLE org_document (
  lane smallint NOT NULL,
  document_id bigint NOT NULL,                   -- its file's blob, too
  org_id bigint NOT NULL,
  kind text NOT NULL CHECK (kind IN ('business_licence', 'permit', 'brand_authorisation', 'tax', 'other')),
  number text NOT NULL CHECK (length(number) BETWEEN 1 AND 64),
  issuer text NOT NULL CHECK (length(issuer) BETWEEN 1 AND 100),
  scope text[] NOT NULL DEFAULT '{}',            -- brands; none: the business as a whole
  valid_from date NOT NULL,
  valid_until date,                              -- its last day; NULL: it does not end
  file_name text NOT NULL CHECK (length(file_name) BETWEEN 1 AND 100),
  media_type text NOT NULL CHECK (media_type IN ('application/pdf', 'image/png', 'image/jpeg')),
  file_bytes int NOT NULL CHECK (file_bytes BETWEEN 1 AND 5242880),
  state text NOT NULL CHECK (state IN ('arriving', 'waiting', 'accepted', 'refused', 'withdrawn')),
  reason text NOT NULL DEFAULT '' CHECK (length(reason) <= 500),
  submitted_by bigint NOT NULL,
  submitted_at timestamptz NOT NULL,
  reviewed_by bigint,
  reviewed_at timestamptz,
  reminded_days int,                             -- how many days before its last one its owner was told; NULL: never
  PRIMARY KEY (lane, document_id),
  CHECK (valid_until >= valid_from),
  CHECK ((state IN ('accepted', 'refused')) = (reviewed_at IS NOT NULL)),
  CHECK ((state = 'refused') = (reason <> ''))
);
CREATE INDEX org_document_of ON org_document (lane, org_id, document_id);
CREATE INDEX org_document_waiting ON org_document (lane, document_id) WHERE state = 'waiting';
CREATE INDEX org_document_arriving ON org_document (lane, submitted_at) WHERE state = 'arriving';
CREATE INDEX org_document_expiring ON org_document (lane, valid_until) WHERE state = 'accepted';

-- A supplier's file of cards, and how far it is: read, looked at, loaded. It holds counts and masks, no card.
CREATE TABLE card_run (
  run_id bigint PRIMARY KEY,                     -- its file's blob, too; of its supplier's lane
  org_id bigint NOT NULL,
  sku_id bigint NOT NULL,
  file_name text NOT NULL CHECK (length(file_name) BETWEEN 1 AND 80),
  file_bytes int NOT NULL CHECK (file_bytes > 0),
  uses int NOT NULL,
  cost_e4 bigint CHECK (cost_e4 >= 0),           -- of one card, where the file doesn't say
  expires_on date,
  state text NOT NULL CHECK (state IN ('arriving', 'reading', 'ready', 'loading', 'done', 'refused', 'dropped')),
  format text NOT NULL DEFAULT '',
  encoding text NOT NULL DEFAULT '',
  cards int NOT NULL DEFAULT 0,                  -- good lines
  broken int NOT NULL DEFAULT 0,
  repeated int NOT NULL DEFAULT 0,               -- lines that stand in the file before
  known int NOT NULL DEFAULT 0,                  -- good lines that were loaded before, when it was read
  preview jsonb NOT NULL DEFAULT '[]',           -- the first cards, masked
  fault text NOT NULL DEFAULT '',                -- why the file as a whole is refused
  fault_zh text NOT NULL DEFAULT '',
  batch_id bigint,
  cursor_line int NOT NULL DEFAULT 0,            -- the last line that was gone through
  gone int NOT NULL DEFAULT 0,                   -- cards that were gone through
  loaded int NOT NULL DEFAULT 0,
  created_by bigint NOT NULL,
  created_at timestamptz NOT NULL,
  ended_at timestamptz,
  CHECK (loaded <= gone AND gone <= cards),
  CHECK ((state IN ('done', 'refused', 'dropped')) = (ended_at IS NOT NULL))
);
CREATE INDEX card_run_of ON card_run (org_id, run_id);
CREATE INDEX card_run_open ON card_run (org_id) WHERE state IN ('arriving', 'reading', 'ready', 'loading');
CREATE INDEX card_run_ended ON card_run (ended_at) WHERE ended_at IS NOT NULL;

-- Lines of such a file that are not loaded, and why.
CREATE TABLE card_run_line (
  run_id bigint NOT NULL,
  line int NOT NULL,
  reason text NOT NULL,
  preview text NOT NULL,                         -- masked
  first_line int NOT NULL DEFAULT 0,             -- the line that it repeats
  PRIMARY KEY (run_id, line)
);

-- What a supplier offers: another cost, or goods that are not in the catalogue.
CREATE TABLE supplier_offer (
  lane smallint NOT NULL,
  offer_id bigint NOT NULL,
  org_id bigint NOT NULL,
  sku_id bigint,                                 -- of new goods: what they became
  is_new boolean NOT NULL,
  brand text NOT NULL DEFAULT '',
  product text NOT NULL DEFAULT '',
  spec text NOT NULL DEFAULT '',
  cost_e4 bigint NOT NULL CHECK (cost_e4 > 0),
  was_e4 bigint,
  reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
  state text NOT NULL CHECK (state IN ('waiting', 'accepted', 'refused', 'withdrawn')),
  note text NOT NULL DEFAULT '' CHECK (length(note) <= 500),
  offered_by bigint NOT NULL,
  offered_at timestamptz NOT NULL,
  decided_by bigint,
  decided_at timestamptz,
  PRIMARY KEY (lane, offer_id),
  CHECK (is_new = (brand <> '' AND product <> '' AND spec <> '')),
  CHECK (is_new OR sku_id IS NOT NULL),
  CHECK (state <> 'accepted' OR sku_id IS NOT NULL),
  CHECK ((state IN ('accepted', 'refused')) = (decided_at IS NOT NULL))
);
CREATE INDEX supplier_offer_of ON supplier_offer (lane, org_id, offer_id);
CREATE INDEX supplier_offer_waiting ON supplier_offer (lane, offer_id) WHERE state = 'waiting';

-- What became of suppliers' goods, by the day of the order in China: added up by the clock.
CREATE TABLE supplier_day (
  org_id bigint NOT NULL,
  sku_id bigint NOT NULL,
  day date NOT NULL,
  delivered int NOT NULL,                        -- cards, or orders by hand
  refunded int NOT NULL,
  replaced int NOT NULL,
  declined int NOT NULL,
  overdue int NOT NULL,
  owed_e4 bigint NOT NULL,
  uncosted int NOT NULL,
  waits_s int[] NOT NULL,                        -- from the order to its answer by hand
  PRIMARY KEY (org_id, day, sku_id)
);
CREATE INDEX supplier_day_day ON supplier_day (day);

-- Cards that came back from an order, by that order: few. Whatever leaves the shelf changes `state`, which other
-- indexes have too: this one costs an order nothing.
CREATE INDEX card_returned ON card (lane, order_id) WHERE state = 'quarantined' AND order_id IS NOT NULL;
