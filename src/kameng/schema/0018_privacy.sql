-- What finds the orders of one number or account: a keyed hash for each value that may be searched for. A row lives as
-- long as the account of its order does. Orders of before have none, and are not found by their account.
-- A hash lies anywhere: without the span (six days) of its order before it, each new row would go to another page of
-- all there ever were (ADR 0012). Whoever searches asks for each span.
CREATE TABLE order_mark (
  lane smallint NOT NULL,
  span smallint GENERATED ALWAYS AS (order_id >> 51) STORED,
  mark bytea NOT NULL,
  order_id bigint NOT NULL,
  PRIMARY KEY (lane, span, mark, order_id)
);

-- Orders whose account still holds a password: looked through each minute for those that are final, so that nothing
-- else has to be.
CREATE TABLE order_password (
  lane smallint NOT NULL,
  order_id bigint NOT NULL,
  PRIMARY KEY (lane, order_id)
);

-- Retention and re-sealing visit orders with an account, oldest first, and no others.
CREATE INDEX orders_with_account ON orders (lane, order_id) WHERE account IS NOT NULL;
