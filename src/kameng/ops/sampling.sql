-- name: count_rows
-- How many rows, and how many texts, the sampled tables have.
SELECT (SELECT count(*) FROM card) AS cards,
       (SELECT count(*) FROM api_key WHERE sealed_secret IS NOT NULL) AS keys,
       (SELECT count(*) FROM orders) AS orders,
       (SELECT count(*) FROM manual_answer) AS answers,
       (SELECT count(*) FROM event WHERE data IS NOT NULL) AS events,
       (SELECT count(*) FROM audit_line WHERE data IS NOT NULL) AS audit_lines,
       (SELECT count(*) FROM job WHERE payload IS NOT NULL OR error IS NOT NULL) AS jobs;

-- name: sample_cards
-- At random up to $2 cards of each lane, out of $1 per cent of them.
SELECT lane, card_id, batch_id, sealed, order_id, original_id, label FROM (
  SELECT lane, card_id, batch_id, sealed, order_id, original_id, label,
         row_number() OVER (PARTITION BY lane ORDER BY random()) AS n
  FROM card TABLESAMPLE BERNOULLI ($1)
) AS numbered WHERE n <= $2;

-- name: sample_keys
-- At random up to $2 keys with a secret of each lane, out of $1 per cent of them.
SELECT lane, key_id, org_id, sealed_secret FROM (
  SELECT lane, key_id, org_id, sealed_secret, row_number() OVER (PARTITION BY lane ORDER BY random()) AS n
  FROM api_key TABLESAMPLE BERNOULLI ($1) WHERE sealed_secret IS NOT NULL
) AS numbered WHERE n <= $2;

-- name: sample_orders
-- At random up to $2 orders of each lane, out of $1 per cent of them.
SELECT lane, order_id, org_id, account, state, EXISTS (
    SELECT FROM order_password p WHERE p.lane = numbered.lane AND p.order_id = numbered.order_id
  ) AS has_password
FROM (
  SELECT lane, order_id, org_id, account, state, row_number() OVER (PARTITION BY lane ORDER BY random()) AS n
  FROM orders TABLESAMPLE BERNOULLI ($1)
) AS numbered WHERE n <= $2;

-- name: sample_answers
-- At random up to $2 answers of each lane, out of $1 per cent of them.
SELECT lane, order_id, part_no, sealed, image FROM (
  SELECT lane, order_id, part_no, sealed, image, row_number() OVER (PARTITION BY lane ORDER BY random()) AS n
  FROM manual_answer TABLESAMPLE BERNOULLI ($1)
) AS numbered WHERE n <= $2;

-- name: lost_marks
-- Orders that still have their account and lack one of these marks of it.
SELECT DISTINCT s.order_id FROM unnest($1::smallint[], $2::bytea[], $3::bigint[]) AS s (lane, mark, order_id)
JOIN orders o ON o.lane = s.lane AND o.order_id = s.order_id AND o.account IS NOT NULL
LEFT JOIN order_mark m ON m.lane = s.lane AND m.span = s.order_id >> 51 AND m.mark = s.mark AND m.order_id = s.order_id
WHERE m.order_id IS NULL ORDER BY s.order_id;

-- name: fingerprints_of
-- Which card each of these fingerprints was claimed for.
SELECT fingerprint, card_id FROM card_fingerprint WHERE fingerprint = ANY ($1::bytea[]);

-- name: texts_about
-- All that is written in clear about the subjects $1 (orders, cards, loads, keys, organisations) in the lanes $2,
-- but the reference of an order, which is its merchant's own.
SELECT 'event ' || e.event_id AS place, e.data::text AS text FROM event e
WHERE e.lane = ANY ($2::smallint[]) AND e.subject_id = ANY ($1::bigint[]) AND e.data IS NOT NULL
UNION ALL
SELECT 'audit line ' || a.audit_id, a.data::text FROM audit_line a
WHERE a.lane = ANY ($2::smallint[]) AND a.subject_id = ANY ($1::bigint[]) AND a.data IS NOT NULL
UNION ALL
SELECT 'job ' || j.job_id, concat_ws(' ', j.payload::text, j.error) FROM job j
WHERE j.lane = ANY ($2::smallint[]) AND j.subject_id = ANY ($1::bigint[]) AND (j.payload IS NOT NULL OR j.error IS NOT NULL)
UNION ALL
SELECT 'order ' || o.order_id, o.trace FROM orders o
WHERE o.lane = ANY ($2::smallint[]) AND o.order_id = ANY ($1::bigint[]);

-- name: texts_anywhere
-- What is written in clear whatever it is about: $1, $2, $3 and $4 per cent of events, audit lines, jobs and orders, at
-- most $5 of each; and as many names of files, errors of the timetable, and lists and rules of risk as there are.
(SELECT 'event ' || event_id AS place, data::text AS text
 FROM event TABLESAMPLE BERNOULLI ($1) WHERE data IS NOT NULL LIMIT $5)
UNION ALL
(SELECT 'audit line ' || audit_id, data::text
 FROM audit_line TABLESAMPLE BERNOULLI ($2) WHERE data IS NOT NULL LIMIT $5)
UNION ALL
(SELECT 'job ' || job_id, concat_ws(' ', payload::text, error)
 FROM job TABLESAMPLE BERNOULLI ($3) WHERE payload IS NOT NULL OR error IS NOT NULL LIMIT $5)
UNION ALL
(SELECT 'order ' || order_id, trace FROM orders TABLESAMPLE BERNOULLI ($4) LIMIT $5)
UNION ALL
(SELECT 'load ' || batch_id, file_name FROM card_batch ORDER BY batch_id DESC LIMIT $5)
UNION ALL
SELECT 'timetable ' || name, last_error FROM timetable WHERE last_error IS NOT NULL
UNION ALL
(SELECT 'listing of ' || entity, value || ' ' || reason FROM risk_listing LIMIT $5);
