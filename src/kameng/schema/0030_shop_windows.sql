-- Shops: what their owners may change of them, and what agents see of what they sell.

ALTER TABLE shop
  ADD COLUMN is_house boolean NOT NULL DEFAULT false, -- the platform's own
  ADD COLUMN footer text NOT NULL DEFAULT '' CHECK (length(footer) <= 200),
  ADD COLUMN icp text NOT NULL DEFAULT '' CHECK (length(icp) <= 40), -- 备案号
  ADD COLUMN logo text NOT NULL DEFAULT '' CHECK (logo ~ '^([0-9a-f]{16}\.(png|jpg|webp))?$'), -- its name, by digest
  ADD COLUMN sells text NOT NULL DEFAULT 'all' CHECK (sells IN ('all', 'chosen')), -- what no rule in shop_goods is about
  -- A domain that its owner asks for, until an operator has seen that it is his.
  ADD COLUMN domain_wanted text CHECK (domain_wanted = lower(domain_wanted)),
  ADD COLUMN domain_proof text NOT NULL DEFAULT '', -- what stands in the domain's TXT record if it is his
  ADD COLUMN domain_answer text NOT NULL DEFAULT '' CHECK (length(domain_answer) <= 200), -- why it was refused
  ADD COLUMN changed bigint NOT NULL DEFAULT 0; -- the identity epoch
CREATE INDEX shop_changed ON shop (changed);
UPDATE shop SET is_house = true WHERE org_id IN (SELECT org_id FROM organisation WHERE kind = 'platform');

-- What a shop shows and hides. The nearest rule speaks: of the SKU, its brand, its scene.
CREATE TABLE shop_goods (
  org_id bigint NOT NULL REFERENCES shop,
  scope text NOT NULL CHECK (scope IN ('sku', 'brand', 'scene')),
  which text NOT NULL CHECK (which <> ''),        -- the SKU's number, the brand's or the scene's name
  shown boolean NOT NULL,
  PRIMARY KEY (org_id, scope, which)
);

-- Its picture, read when a browser has not got it yet.
CREATE TABLE shop_logo (
  org_id bigint PRIMARY KEY REFERENCES shop,
  content bytea NOT NULL CHECK (length(content) <= 204800)
);

-- Who buys from an agent, page by page.
CREATE INDEX organisation_below ON organisation (parent_id, org_id) WHERE parent_id IS NOT NULL AND sandbox_of IS NULL;
-- What an agent sold, newest first; orders that no agent sold are not in it.
CREATE INDEX orders_of_seller ON orders (lane, ((split #>> '{margins,-1,0}')::bigint), order_id) WHERE split IS NOT NULL;
CREATE INDEX archived_orders_of_seller ON archived_orders (lane, ((split #>> '{margins,-1,0}')::bigint), order_id)
  WHERE split IS NOT NULL;
-- The prices that an agent agreed with one buyer.
CREATE INDEX named_price_of_buyer ON named_price (seller_id, org_id, sku_id) WHERE seller_id <> 0;
