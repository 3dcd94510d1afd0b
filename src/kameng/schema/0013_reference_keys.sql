-- References in the order their buyers number them, not in that of a hash: new ones of a buyer lie beside his last,
-- so the pages a busy hour touches are as many as its buyers, however many references there are (ADR 0012).
-- From before the first release: code that knows `ref_hash` can't run beside this.
CREATE TABLE reference (
  lane smallint NOT NULL,
  ref_key bytea NOT NULL,                        -- organisation (8 bytes), then the reference as it was sent
  digest bytea NOT NULL,                         -- of the content: same reference, other content is refused
  order_id bigint NOT NULL
);
INSERT INTO reference
SELECT r.lane, int8send(o.org_id) || convert_to(o.client_ref, 'UTF8') AS ref_key, r.digest, r.order_id
FROM order_ref r JOIN orders o USING (lane, order_id)
ORDER BY r.lane, ref_key;
DROP TABLE order_ref;
ALTER TABLE reference RENAME TO order_ref;
ALTER TABLE order_ref ADD CONSTRAINT order_ref_pkey PRIMARY KEY (lane, ref_key);
