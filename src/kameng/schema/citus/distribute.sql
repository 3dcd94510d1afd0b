-- Spreads a migrated Kameng over the nodes of a Citus cluster. Run it on the coordinator, as the owner of the tables,
-- after each `kameng migrate`: psql -v ON_ERROR_STOP=1 -f distribute.sql. What is spread already is left as it is.
--
-- lane       by lane, all together: a batch touches one shard group, hence one node
-- entity     by what a row is about, whatever its lane: limits that cross lanes, payments that channels told of
-- reference  on every node: catalogue, prices, lists; read by every batch, written seldom
-- one_shard  whole on one node, which may be moved: unique by more than one column can hold
-- local      stays on the coordinator: nothing that an order waits for

SET client_min_messages TO warning;
SET citus.enable_unsafe_triggers TO on;  -- those that refuse changes only raise: safe wherever they run

CREATE TEMPORARY TABLE spread (name text PRIMARY KEY, class text NOT NULL, key text);
INSERT INTO spread (name, class, key) VALUES
  ('lane', 'lane', 'lane'),
  ('account', 'lane', 'lane'),
  ('adjustment', 'lane', 'lane'),
  ('allotment', 'lane', 'lane'),
  ('api_key', 'lane', 'lane'),
  ('audit_line', 'lane', 'lane'),
  ('balance_alert', 'lane', 'lane'),
  ('bank_credit', 'lane', 'lane'),
  ('bill_case', 'lane', 'lane'),
  ('bill_line', 'lane', 'lane'),
  ('bill_settlement', 'lane', 'lane'),
  ('blob_piece', 'lane', 'lane'),
  ('card', 'lane', 'lane'),
  ('card_mark', 'lane', 'lane'),
  ('desk_told', 'lane', 'lane'),
  ('event', 'lane', 'lane'),
  ('factor_rule', 'lane', 'lane'),
  ('event_feed', 'lane', 'lane'),
  ('invitation', 'lane', 'lane'),
  ('job', 'lane', 'lane'),
  ('lane_counter', 'lane', 'lane'),
  ('list_run', 'lane', 'lane'),
  ('manual_answer', 'lane', 'lane'),
  ('order_tallied', 'lane', 'lane'),
  ('order_tally', 'lane', 'lane'),
  ('manual_task', 'lane', 'lane'),
  ('membership', 'lane', 'lane'),
  ('message', 'lane', 'lane'),
  ('month_close', 'lane', 'lane'),
  ('month_sum', 'lane', 'lane'),
  ('nonce', 'lane', 'lane'),
  ('org_document', 'lane', 'lane'),
  ('order_mark', 'lane', 'lane'),
  ('order_part', 'lane', 'lane'),
  ('order_mark_older', 'lane', 'lane'),
  ('order_password', 'lane', 'lane'),
  ('order_command', 'lane', 'lane'),
  ('order_payment', 'lane', 'lane'),
  ('order_ref', 'lane', 'lane'),
  ('orders', 'lane', 'lane'),
  ('organisation', 'lane', 'lane'),
  ('epay_day', 'lane', 'lane'),
  ('epay_trade', 'lane', 'lane'),
  ('payable', 'lane', 'lane'),
  ('payment', 'lane', 'lane'),
  ('payment_day', 'lane', 'lane'),
  ('payment_inbox', 'lane', 'lane'),
  ('payment_message', 'lane', 'lane'),
  ('payment_notice', 'lane', 'lane'),
  ('payment_refund', 'lane', 'lane'),
  ('price_told', 'lane', 'lane'),
  ('reusable_card', 'lane', 'lane'),
  ('routing_memory', 'lane', 'lane'),
  ('routing_sheet', 'lane', 'lane'),
  ('review', 'lane', 'lane'),
  ('stock_alert', 'lane', 'lane'),
  ('supplier_offer', 'lane', 'lane'),
  ('payout', 'lane', 'lane'),
  ('payout_batch', 'lane', 'lane'),
  ('sweep', 'lane', 'lane'),
  ('transfer', 'lane', 'lane'),
  ('transfer_key', 'lane', 'lane'),
  ('webhook_endpoint', 'lane', 'lane'),
  ('webhook_lane', 'lane', 'lane'),
  ('webhook_late', 'lane', 'lane'),
  ('webhook_log', 'lane', 'lane'),
  ('webhook_replay', 'lane', 'lane'),
  ('webhook_secret', 'lane', 'lane'),
  ('withdrawal', 'lane', 'lane'),
  ('counter', 'entity', 'entity_hash'),
  ('payment_reference', 'entity', 'reference'),
  ('payment_return', 'entity', 'reference'),
  ('agent_bound', 'reference', NULL),
  ('bill', 'reference', NULL),
  ('brand', 'reference', NULL),
  ('card_batch', 'reference', NULL),
  ('card_run', 'reference', NULL),
  ('epoch', 'reference', NULL),
  ('flash_sale', 'reference', NULL),
  ('level_price', 'reference', NULL),
  ('markup', 'reference', NULL),
  ('named_price', 'reference', NULL),
  ('notice_subscription', 'reference', NULL),
  ('epay_account', 'reference', NULL),
  ('channel_use', 'reference', NULL),
  ('payment_channel', 'reference', NULL),
  ('price_change', 'reference', NULL),
  ('product', 'reference', NULL),
  ('announcement', 'reference', NULL),
  ('feature_switch', 'reference', NULL),
  ('order_field', 'reference', NULL),
  ('order_form', 'reference', NULL),
  ('price_run', 'reference', NULL),
  ('quantity_tier', 'reference', NULL),
  ('recharge_bonus', 'reference', NULL),
  ('risk_listing', 'reference', NULL),
  ('risk_rule', 'reference', NULL),
  ('risk_share', 'reference', NULL),
  ('routing_book', 'reference', NULL),
  ('routing_policy', 'reference', NULL),
  ('routing_rule', 'reference', NULL),
  ('scene', 'reference', NULL),
  ('shop', 'reference', NULL),
  ('shop_goods', 'reference', NULL),
  ('shop_logo', 'reference', NULL),
  ('shop_guests', 'reference', NULL),
  ('sku', 'reference', NULL),
  ('sku_pace', 'reference', NULL),
  ('sku_revision', 'reference', NULL),
  ('stock_threshold', 'reference', NULL),
  ('supplier_day', 'reference', NULL),
  ('saved_view', 'one_shard', NULL),         -- with the person whose it is
  ('card_fingerprint', 'one_shard', NULL),  -- unique by fingerprint, and by number
  ('card_run_line', 'one_shard', NULL),     -- written with chunks of whatever lane
  ('person', 'one_shard', NULL),            -- unique by id, and by sign-in
  ('web_session', 'one_shard', NULL),       -- with the person whose it is
  ('challenge', 'one_shard', NULL),         -- what people prove themselves with, and how often they tried
  ('passkey', 'one_shard', NULL),
  ('recovery_code', 'one_shard', NULL),
  ('sign_in_event', 'one_shard', NULL),
  ('totp_secret', 'one_shard', NULL),
  ('try_limit', 'one_shard', NULL),
  ('schema_migration', 'local', NULL),
  ('timetable', 'local', NULL);

-- Citus takes no children by inheritance: the archive must be empty, and goes.
DO $$
BEGIN
  IF EXISTS (SELECT FROM archived_orders) OR EXISTS (SELECT FROM archived_event) THEN
    RAISE EXCEPTION 'orders are archived: run kameng archive back first';
  END IF;
EXCEPTION WHEN undefined_table THEN NULL;  -- it went when this ran before
END $$;
DROP TABLE IF EXISTS archived_orders, archived_event;

-- Citus takes no identity column but bigint ones: the others are dealt by a sequence, as serial columns are.
DO $$
DECLARE one record; start bigint;
BEGIN
  FOR one IN
    SELECT c.relname AS name, a.attname AS key FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attidentity <> '' AND a.atttypid = 'int'::regtype
    JOIN spread s ON s.name = c.relname WHERE c.relnamespace = 'public'::regnamespace
  LOOP
    EXECUTE format('SELECT coalesce(max(%I), 0) + 1 FROM %I', one.key, one.name) INTO start;
    EXECUTE format('ALTER TABLE %I ALTER %I DROP IDENTITY', one.name, one.key);
    EXECUTE format('CREATE SEQUENCE %I AS int START %s OWNED BY %I.%I', one.name || '_numbers', start, one.name, one.key);
    EXECUTE format('ALTER TABLE %I ALTER %I SET DEFAULT nextval(%L)', one.name, one.key, one.name || '_numbers');
  END LOOP;
END $$;

-- Reference tables first: others may point to them. The first lane table founds the group that the rest joins.
DO $$
DECLARE one record;
BEGIN
  FOR one IN
    SELECT s.* FROM spread s
    WHERE NOT EXISTS (SELECT FROM pg_dist_partition p WHERE p.logicalrelid = to_regclass(s.name))
    ORDER BY array_position(ARRAY['reference', 'lane', 'entity', 'one_shard', 'local'], s.class), s.name <> 'lane', s.name
  LOOP
    CASE one.class
      WHEN 'reference' THEN PERFORM create_reference_table(one.name::regclass);
      WHEN 'local' THEN PERFORM citus_add_local_table_to_metadata(one.name::regclass);
      WHEN 'lane' THEN PERFORM create_distributed_table(
        one.name::regclass, one.key, colocate_with => CASE one.name WHEN 'lane' THEN 'none' ELSE 'lane' END);
      ELSE PERFORM create_distributed_table(one.name::regclass, one.key, colocate_with => 'none');
    END CASE;
  END LOOP;
END $$;

DROP TABLE spread;
