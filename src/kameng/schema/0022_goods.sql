-- Links, reusable (循环) and chosen (自选) cards, and what a supplier sees and voids of his stock.

-- Cards of the SKU that bear a label may be chosen by their buyer, for so much more where a card does not say.
ALTER TABLE sku
  ADD COLUMN pickable boolean NOT NULL DEFAULT false,
  ADD COLUMN pick_fee_e4 bigint NOT NULL DEFAULT 0 CHECK (pick_fee_e4 >= 0);

-- A card that is sold several times. Each of its uses is a card row with a seal of its own; `issued` counts them, under
-- the gate of the lane that the row was loaded in. It never moves; its uses do.
CREATE TABLE reusable_card (
  lane smallint NOT NULL,
  original_id bigint NOT NULL,                   -- what the fingerprint stands for
  sku_id bigint NOT NULL,
  batch_id bigint NOT NULL,
  sealed bytea NOT NULL,
  expires_on date NOT NULL DEFAULT 'infinity',
  uses int CHECK (uses >= 1),                    -- NULL: as often as it is asked for
  issued int NOT NULL DEFAULT 0 CHECK (issued >= 0),
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'void')),
  PRIMARY KEY (lane, original_id),
  CONSTRAINT reusable_card_not_exceeded CHECK (issued <= uses)
) WITH (fillfactor = 50);
-- Those of which more uses may be issued: few, and gone from here once all are.
CREATE INDEX reusable_card_left ON reusable_card (lane, sku_id, expires_on, original_id)
  WHERE state = 'active' AND (uses IS NULL OR issued < uses);

ALTER TABLE card
  ADD COLUMN original_id bigint,                 -- the reusable card that this is a use of
  ADD COLUMN label text CHECK (length(label) BETWEEN 1 AND 64), -- public: by it the card is chosen
  ADD COLUMN pick_fee_e4 bigint CHECK (pick_fee_e4 >= 0); -- NULL: as its SKU says
-- A card with a label lies on display, and never among those that are given by their last day.
ALTER TABLE card DROP CONSTRAINT card_state_check;
ALTER TABLE card ADD CONSTRAINT card_state_check
  CHECK (state IN ('on_shelf', 'on_display', 'reserved', 'sold', 'quarantined', 'void')) NOT VALID;
ALTER TABLE card ADD CONSTRAINT card_display_check
  CHECK (state NOT IN ('on_shelf', 'on_display') OR (state = 'on_display') = (label IS NOT NULL)) NOT VALID;
ALTER TABLE card ADD CONSTRAINT card_display_is_free CHECK (state <> 'on_display' OR order_id IS NULL) NOT VALID;
CREATE INDEX card_display ON card (lane, sku_id, card_id) WHERE state = 'on_display';
CREATE INDEX card_use ON card (lane, original_id) WHERE original_id IS NOT NULL;

-- The hosts of a batch's links, in clear; and between which ids its cards lie, so that they are found among all cards
-- without an index of their own. NULL: not known.
ALTER TABLE card_batch
  ADD COLUMN hosts text[] NOT NULL DEFAULT '{}',
  ADD COLUMN first_card_id bigint,
  ADD COLUMN last_card_id bigint;

-- The card that the buyer chose, so that a late payment does not get another one.
ALTER TABLE order_payment ADD COLUMN chosen_card bigint;

-- after release

UPDATE card_batch b SET first_card_id = c.first_id, last_card_id = c.last_id
FROM (SELECT batch_id, min(card_id) AS first_id, max(card_id) AS last_id FROM card GROUP BY batch_id) AS c
WHERE c.batch_id = b.batch_id AND b.first_card_id IS NULL;
ALTER TABLE card VALIDATE CONSTRAINT card_state_check;
ALTER TABLE card VALIDATE CONSTRAINT card_display_check;
ALTER TABLE card VALIDATE CONSTRAINT card_display_is_free;
