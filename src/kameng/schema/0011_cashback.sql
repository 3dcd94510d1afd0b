-- The house account that a recharge's bonus comes from; lanes that are made later get it with the others.
INSERT INTO account (lane, account_id, org_id, code, currency, unbounded)
SELECT lane, n, 0, 'cashback', currency, true FROM lane, (VALUES (5, 'CNY'), (505, 'XTS')) AS house (n, currency)
ON CONFLICT DO NOTHING;
