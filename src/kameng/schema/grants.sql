-- What the role of the running application may do; applied after each `kameng migrate`, where there is such a role.
-- It owns nothing: it can't alter or drop a table, nor make one. What is written once it can only add to.
DO $$
DECLARE
  one text;
  rule record;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'kameng_app') THEN RETURN; END IF;
  GRANT USAGE ON SCHEMA public TO kameng_app;
  REVOKE ALL ON ALL TABLES IN SCHEMA public FROM kameng_app;
  GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO kameng_app;
  GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO kameng_app;
  ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO kameng_app;

  -- Written once: money, who did what, what was published, what was asked, references that stand for ever.
  FOREACH one IN ARRAY ARRAY['transfer', 'transfer_key', 'audit_line', 'sku_revision', 'price_change', 'month_sum',
    'month_close', 'order_command', 'order_ref', 'payment_reference', 'payment_return',
    'payment_notice', 'routing_book']
  LOOP
    -- A database of before may not have all of them yet.
    IF to_regclass(one) IS NOT NULL THEN EXECUTE format('REVOKE UPDATE, DELETE ON %I FROM kameng_app', one); END IF;
  END LOOP;
  -- Whatever else a trigger protects, by a migration that this list does not know.
  FOR one IN SELECT DISTINCT tgrelid::regclass FROM pg_trigger WHERE tgfoid = to_regproc('refuse_change')
  LOOP EXECUTE format('REVOKE UPDATE, DELETE ON %s FROM kameng_app', one); END LOOP;
  -- Events move to the archive and back, and are never changed; nobody is unmade.
  FOR rule IN SELECT * FROM (VALUES
    ('UPDATE', 'event'), ('UPDATE', 'archived_event'), ('INSERT, UPDATE, DELETE', 'schema_migration'),
    ('DELETE', 'lane'), ('DELETE', 'epoch'), ('DELETE', 'organisation'), ('DELETE', 'account'), ('DELETE', 'person'),
    ('DELETE', 'sku')) AS r (rights, tbl)
  LOOP
    IF to_regclass(rule.tbl) IS NOT NULL THEN
      EXECUTE format('REVOKE %s ON %I FROM kameng_app', rule.rights, rule.tbl);
    END IF;
  END LOOP;
  -- Drawers of nonces are emptied as a whole.
  FOR one IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = to_regclass('nonce')
  LOOP EXECUTE format('GRANT TRUNCATE ON %s TO kameng_app', one); END LOOP;
END $$;
