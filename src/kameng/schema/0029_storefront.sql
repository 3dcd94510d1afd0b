-- What shops have for consumers besides goods: reviews, cards they have marked as used, sales with a count-down, and
-- in an agent's shop somebody whose orders guests' are.

CREATE TABLE review (
  lane smallint NOT NULL,                         -- its order's
  order_id bigint NOT NULL,
  sku_id bigint NOT NULL,
  org_id bigint NOT NULL,                         -- who bought
  seller_id bigint NOT NULL DEFAULT 0,            -- the agent that sold; 0: the platform
  stars smallint NOT NULL CHECK (stars BETWEEN 1 AND 5),
  body text NOT NULL CHECK (length(body) <= 500),
  author text NOT NULL,                           -- as others see him: 周**
  state text NOT NULL CHECK (state IN ('pending', 'shown', 'hidden')),
  answer text NOT NULL DEFAULT '' CHECK (length(answer) <= 500),
  answered_at timestamptz,
  written_at timestamptz NOT NULL,
  PRIMARY KEY (lane, order_id)
);
CREATE INDEX review_of_sku ON review (lane, sku_id, order_id) WHERE state = 'shown';
CREATE INDEX review_pending ON review (lane, order_id) WHERE state = 'pending';

CREATE TABLE card_mark (
  lane smallint NOT NULL,
  org_id bigint NOT NULL,
  card_id bigint NOT NULL,
  used_at timestamptz NOT NULL,
  PRIMARY KEY (lane, org_id, card_id)
);

-- The goods are a SKU of their own, with its price and its shelf; here stands when, and how many for each buyer.
CREATE TABLE flash_sale (
  sale_id bigint PRIMARY KEY,
  sku_id bigint NOT NULL REFERENCES sku,
  starts_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL,
  buyer_max int NOT NULL CHECK (buyer_max > 0),   -- pieces
  state text NOT NULL DEFAULT 'planned' CHECK (state IN ('planned', 'running', 'over')),
  planned_by bigint NOT NULL,
  CHECK (starts_at < ends_at)
);

CREATE TABLE flash_share (
  lane smallint NOT NULL,                         -- the buyer's
  sale_id bigint NOT NULL,
  org_id bigint NOT NULL,
  client_ref text NOT NULL,                       -- the order's: asked for again it is the same share
  quantity int NOT NULL CHECK (quantity > 0),
  PRIMARY KEY (lane, sale_id, org_id, client_ref)
);

CREATE TABLE shop_guests (
  shop_id bigint PRIMARY KEY REFERENCES shop (org_id),
  org_id bigint NOT NULL                          -- a customer of the shop's owner
);
