-- name: read_parts
-- The parts of orders of bundles, in their order; other orders have none.
SELECT order_id, part_no, sku_id, sku_revision, kind, quantity, worth_e4, state, card_ids FROM order_part
WHERE lane = $1::smallint AND order_id = ANY($2::bigint[]) ORDER BY order_id, part_no;

-- name: set_parts
-- Puts parts where commands led them, with their cards in the order given.
UPDATE order_part p
SET state = s.state, card_ids = coalesce((
  SELECT array_agg(c.card_id ORDER BY c.n)
  FROM unnest($5::bigint[], $6::smallint[], $7::bigint[]) WITH ORDINALITY AS c (order_id, part_no, card_id, n)
  WHERE c.order_id = p.order_id AND c.part_no = p.part_no
), '{}')
FROM unnest($2::bigint[], $3::smallint[], $4::text[]) AS s (order_id, part_no, state)
WHERE p.lane = $1::smallint AND p.order_id = s.order_id AND p.part_no = s.part_no;
