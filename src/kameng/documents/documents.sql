-- name: insert_document
-- What somebody hands in, before its file is there.
INSERT INTO org_document (lane, document_id, org_id, kind, number, issuer, scope, valid_from, valid_until, file_name,
                          media_type, file_bytes, state, submitted_by, submitted_at)
VALUES ($1::smallint, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'arriving', $13, $14);

-- name: read_document
-- One document, by its id.
SELECT document_id, org_id, kind, number, issuer, scope, valid_from, valid_until, file_name, media_type, file_bytes,
       state, reason, submitted_by, submitted_at, reviewed_by, reviewed_at
FROM org_document WHERE lane = $1::smallint AND document_id = $2;

-- name: documents_of
-- An organisation's documents below the cursor, newest first.
SELECT document_id, org_id, kind, number, issuer, scope, valid_from, valid_until, file_name, media_type, file_bytes,
       state, reason, submitted_by, submitted_at, reviewed_by, reviewed_at
FROM org_document
WHERE lane = $1::smallint AND org_id = $2 AND state <> 'arriving' AND document_id < $3
ORDER BY document_id DESC LIMIT $4::int;

-- name: waiting_documents
-- Documents of a lane that nobody has looked at yet, beyond the cursor, the oldest first.
SELECT document_id, org_id, kind, number, issuer, scope, valid_from, valid_until, file_name, media_type, file_bytes,
       state, reason, submitted_by, submitted_at, reviewed_by, reviewed_at
FROM org_document WHERE lane = $1::smallint AND state = 'waiting' AND document_id > $2 ORDER BY document_id LIMIT $3::int;

-- name: set_state
-- Leads a document on, if it is still where it was; returns its id then.
UPDATE org_document SET state = $4, reason = $5, reviewed_by = $6, reviewed_at = $7
WHERE lane = $1::smallint AND document_id = $2 AND state = $3 RETURNING document_id;

-- name: expiring_documents
-- Accepted documents of a lane whose last day is $2 at the latest, and what their owners were told; but for those that
-- a newer one of the same kind, for the same brands, goes on after.
SELECT d.document_id, d.org_id, d.kind, d.number, d.valid_until, d.reminded_days
FROM org_document d
WHERE d.lane = $1::smallint AND d.state = 'accepted' AND d.valid_until <= $2::date
  AND d.reminded_days IS DISTINCT FROM 0
  AND NOT EXISTS (
    SELECT FROM org_document n
    WHERE n.lane = $1::smallint AND n.org_id = d.org_id AND n.state = 'accepted' AND n.kind = d.kind
      AND n.scope @> d.scope AND (n.valid_until IS NULL OR n.valid_until > d.valid_until))
ORDER BY d.valid_until, d.document_id LIMIT $3::int;

-- name: mark_reminded
-- How many days before the last one their owners were told.
UPDATE org_document d SET reminded_days = m.days FROM unnest($2::bigint[], $3::int[]) AS m (document_id, days)
WHERE d.lane = $1::smallint AND d.document_id = m.document_id;

-- name: remove_unfinished
-- Documents whose file never came whole, before $2; returns their ids.
DELETE FROM org_document WHERE lane = $1::smallint AND document_id IN (
  SELECT document_id FROM org_document WHERE lane = $1::smallint AND state = 'arriving' AND submitted_at < $2::timestamptz
  LIMIT $3::int)
RETURNING document_id;
