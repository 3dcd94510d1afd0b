-- name: insert_tasks
-- Something to be worked; what was closed is open once more, what is live stays as it is.
INSERT INTO manual_task (lane, order_id, part_no, task_id, sku_id, sku_revision, quantity, worker_org_id, state,
                         opened_at, due_at, warn_at, news)
SELECT $1::smallint, t.order_id, t.part_no, t.task_id, t.sku_id, t.sku_revision, t.quantity, t.worker_org_id, 'open',
       $2::timestamptz, t.due_at, t.warn_at, t.news
FROM unnest($3::bigint[], $4::smallint[], $5::bigint[], $6::bigint[], $7::int[], $8::int[], $9::bigint[],
            $10::timestamptz[], $11::timestamptz[], $12::text[])
  AS t (order_id, part_no, task_id, sku_id, sku_revision, quantity, worker_org_id, due_at, warn_at, news)
ON CONFLICT (lane, order_id, part_no) DO UPDATE
SET state = 'open', opened_at = excluded.opened_at, due_at = excluded.due_at, warn_at = excluded.warn_at,
    is_overdue = false, is_extended = false, is_begun = false, is_stop_asked = false, ended_at = NULL,
    news = excluded.news
WHERE manual_task.state = 'closed';

-- name: read_task
-- One task beside what is known of its order; a part of one that ended is where it ended.
SELECT t.task_id, t.order_id, t.part_no, t.sku_id, t.sku_revision, t.quantity, t.worker_org_id, t.state, t.opened_at,
       t.due_at, t.warn_at, t.is_overdue, t.is_extended, t.is_begun, t.is_stop_asked, t.taker_org_id, t.taken_by,
       t.taken_until, t.digest, t.ended_at, t.reason, t.news, o.org_id, o.account,
       CASE WHEN p.state <> 'waiting' THEN p.state ELSE o.state END AS order_state
FROM manual_task t JOIN orders o ON o.lane = t.lane AND o.order_id = t.order_id
LEFT JOIN order_part p ON p.lane = t.lane AND p.order_id = t.order_id AND p.part_no = t.part_no
WHERE t.lane = $1::smallint AND t.task_id = $2;

-- name: tasks_of_orders
-- The tasks of some orders.
SELECT t.task_id, t.order_id, t.part_no, t.sku_id, t.sku_revision, t.quantity, t.worker_org_id, t.state, t.opened_at,
       t.due_at, t.warn_at, t.is_overdue, t.is_extended, t.is_begun, t.is_stop_asked, t.taker_org_id, t.taken_by,
       t.taken_until, t.digest, t.ended_at, t.reason, t.news, o.org_id, o.account,
       CASE WHEN p.state <> 'waiting' THEN p.state ELSE o.state END AS order_state
FROM manual_task t JOIN orders o ON o.lane = t.lane AND o.order_id = t.order_id
LEFT JOIN order_part p ON p.lane = t.lane AND p.order_id = t.order_id AND p.part_no = t.part_no
WHERE t.lane = $1::smallint AND t.order_id = ANY($2::bigint[]);

-- name: tasks_of_worker
-- A supplier's tasks in states $3 beyond a place, by when they are due. Live ones whose order moved on are over.
SELECT t.task_id, t.order_id, t.part_no, t.sku_id, t.sku_revision, t.quantity, t.worker_org_id, t.state, t.opened_at,
       t.due_at, t.warn_at, t.is_overdue, t.is_extended, t.is_begun, t.is_stop_asked, t.taker_org_id, t.taken_by,
       t.taken_until, t.digest, t.ended_at, t.reason, t.news, o.org_id, o.account,
       CASE WHEN p.state <> 'waiting' THEN p.state ELSE o.state END AS order_state
FROM manual_task t JOIN orders o ON o.lane = t.lane AND o.order_id = t.order_id
LEFT JOIN order_part p ON p.lane = t.lane AND p.order_id = t.order_id AND p.part_no = t.part_no
WHERE t.lane = $1::smallint AND t.worker_org_id = $2 AND t.state = ANY($3::text[])
  AND (t.due_at, t.order_id, t.part_no) > ($4::timestamptz, $5::bigint, $6::smallint)
  AND (t.state NOT IN ('open', 'taken') OR o.state = ANY($8::text[]) AND coalesce(p.state, 'waiting') = 'waiting')
ORDER BY t.due_at, t.order_id, t.part_no LIMIT $7::int;

-- name: task_mark
-- How many live tasks a worker has in a lane, as far as anybody counts, and the newest of them.
SELECT count(*)::int AS tasks, coalesce(max(task_id), 0) AS newest_id FROM (
  SELECT task_id FROM manual_task
  WHERE lane = $1::smallint AND worker_org_id = $2 AND state IN ('open', 'taken') LIMIT 1000) AS live;

-- name: tasks_on_desk
-- The same of what the staff works, or with $2 of all there is.
SELECT t.task_id, t.order_id, t.part_no, t.sku_id, t.sku_revision, t.quantity, t.worker_org_id, t.state, t.opened_at,
       t.due_at, t.warn_at, t.is_overdue, t.is_extended, t.is_begun, t.is_stop_asked, t.taker_org_id, t.taken_by,
       t.taken_until, t.digest, t.ended_at, t.reason, t.news, o.org_id, o.account,
       CASE WHEN p.state <> 'waiting' THEN p.state ELSE o.state END AS order_state
FROM manual_task t JOIN orders o ON o.lane = t.lane AND o.order_id = t.order_id
LEFT JOIN order_part p ON p.lane = t.lane AND p.order_id = t.order_id AND p.part_no = t.part_no
WHERE t.lane = $1::smallint AND ($2::boolean OR t.worker_org_id = 0 OR t.is_overdue) AND t.state = ANY($3::text[])
  AND (t.due_at, t.order_id, t.part_no) > ($4::timestamptz, $5::bigint, $6::smallint)
  AND (t.state NOT IN ('open', 'taken') OR o.state = ANY($8::text[]) AND coalesce(p.state, 'waiting') = 'waiting')
ORDER BY t.due_at, t.order_id, t.part_no LIMIT $7::int;

-- name: tasks_to_watch
-- Live tasks for which the clock or their order has something: as ``deciding.watch`` says. $3: the states of an order
-- in which its task stays; $4: in which its time runs out.
SELECT t.task_id, t.order_id, t.part_no, t.sku_id, t.sku_revision, t.quantity, t.worker_org_id, t.state, t.opened_at,
       t.due_at, t.warn_at, t.is_overdue, t.is_extended, t.is_begun, t.is_stop_asked, t.taker_org_id, t.taken_by,
       t.taken_until, t.digest, t.ended_at, t.reason, t.news, o.org_id, o.account,
       CASE WHEN p.state <> 'waiting' THEN p.state ELSE o.state END AS order_state
FROM manual_task t JOIN orders o ON o.lane = t.lane AND o.order_id = t.order_id
LEFT JOIN order_part p ON p.lane = t.lane AND p.order_id = t.order_id AND p.part_no = t.part_no
WHERE t.lane = $1::smallint AND t.state IN ('open', 'taken')
  AND (t.taken_until <= $2::timestamptz OR t.warn_at <= $2 OR o.state <> ALL($3::text[]) OR p.state <> 'waiting'
       OR NOT t.is_overdue AND t.due_at <= $2 AND o.state = ANY($4::text[]))
ORDER BY t.due_at, t.order_id, t.part_no LIMIT $5::int;

-- name: set_tasks
-- Puts tasks where they were led.
UPDATE manual_task t
SET state = n.state, due_at = n.due_at, warn_at = n.warn_at, is_overdue = n.is_overdue, is_extended = n.is_extended,
    is_begun = n.is_begun, is_stop_asked = n.is_stop_asked, taker_org_id = n.taker_org_id, taken_by = n.taken_by,
    taken_until = n.taken_until, digest = n.digest, ended_at = n.ended_at, reason = n.reason, news = n.news
FROM unnest($2::bigint[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::boolean[], $7::boolean[], $8::boolean[],
            $9::boolean[], $10::bigint[], $11::bigint[], $12::timestamptz[], $13::bytea[], $14::timestamptz[],
            $15::text[], $16::text[])
  AS n (task_id, state, due_at, warn_at, is_overdue, is_extended, is_begun, is_stop_asked, taker_org_id, taken_by,
        taken_until, digest, ended_at, reason, news)
WHERE t.lane = $1::smallint AND t.task_id = n.task_id;

-- name: suppliers_to_tell
-- Suppliers who have to be told something of a task in this lane.
SELECT DISTINCT worker_org_id FROM manual_task WHERE lane = $1::smallint AND news IS NOT NULL;

-- name: tasks_to_tell
-- What some suppliers have to be told.
SELECT task_id, order_id, part_no, sku_id, quantity, worker_org_id, state, due_at, news FROM manual_task
WHERE lane = $1::smallint AND worker_org_id = ANY($2::bigint[]) AND news IS NOT NULL ORDER BY task_id LIMIT $3::int;

-- name: mark_told
-- They know it.
UPDATE manual_task SET news = NULL WHERE lane = $1::smallint AND task_id = ANY($2::bigint[]);

-- name: count_tasks
-- Live tasks of a lane: open, taken, those that are overdue, and since when the oldest stands open.
SELECT count(*) FILTER (WHERE state = 'open') AS open, count(*) FILTER (WHERE state = 'taken') AS taken,
       count(*) FILTER (WHERE due_at <= $2::timestamptz) AS overdue, min(opened_at) AS oldest
FROM manual_task WHERE lane = $1::smallint AND state IN ('open', 'taken');

-- name: count_waiting
-- How many orders of a lane wait for each of these jobs.
SELECT kind, count(*) AS orders FROM job
WHERE lane = $1::smallint AND kind = ANY($2::text[]) AND state = 'waiting' GROUP BY kind;

-- name: insert_answers
-- What came by hand.
INSERT INTO manual_answer (lane, order_id, part_no, sealed, image, media_type, image_bytes, answered_at)
SELECT $1::smallint, a.order_id, a.part_no, a.sealed, a.image, a.media_type, a.image_bytes, $2::timestamptz
FROM unnest($3::bigint[], $4::smallint[], $5::bytea[], $6::bytea[], $7::text[], $8::int[])
  AS a (order_id, part_no, sealed, image, media_type, image_bytes)
ON CONFLICT DO NOTHING;

-- name: read_answers
-- What came by hand for some orders, without images.
SELECT order_id, part_no, sealed, media_type, image_bytes, answered_at FROM manual_answer
WHERE lane = $1::smallint AND order_id = ANY($2::bigint[]) ORDER BY order_id, part_no;

-- name: shown_answers
-- The same of one order of an organisation, if it is in one of the states $4, or of its parts that were delivered, if it
-- was placed after $5.
SELECT a.order_id, a.part_no, a.sealed, a.media_type, a.image_bytes, a.answered_at
FROM manual_answer a JOIN orders o ON o.lane = a.lane AND o.order_id = a.order_id
LEFT JOIN order_part p ON p.lane = a.lane AND p.order_id = a.order_id AND p.part_no = a.part_no
WHERE a.lane = $1::smallint AND a.order_id = $2 AND o.org_id = $3 AND o.placed_at >= $5::timestamptz
  AND (p.state = 'delivered' OR p.state IS NULL AND o.state = ANY($4::text[]))
ORDER BY a.part_no;

-- name: shown_image
-- The image of a part, by the same rule.
SELECT a.image, a.media_type FROM manual_answer a JOIN orders o ON o.lane = a.lane AND o.order_id = a.order_id
LEFT JOIN order_part p ON p.lane = a.lane AND p.order_id = a.order_id AND p.part_no = a.part_no
WHERE a.lane = $1::smallint AND a.order_id = $2 AND o.org_id = $3 AND o.placed_at >= $5::timestamptz
  AND (p.state = 'delivered' OR p.state IS NULL AND o.state = ANY($4::text[]))
  AND a.part_no = $6::smallint AND a.image IS NOT NULL;

-- name: read_image
-- The image of a part, for the staff.
SELECT image, media_type FROM manual_answer
WHERE lane = $1::smallint AND order_id = $2 AND part_no = $3::smallint AND image IS NOT NULL;

-- name: forget_answers
-- Answers of these orders go.
DELETE FROM manual_answer WHERE lane = $1::smallint AND order_id = ANY($2::bigint[]) RETURNING order_id;

-- name: forget_old_answers
-- Answers of orders with lower ids go, so many at once.
DELETE FROM manual_answer WHERE lane = $1::smallint AND (order_id, part_no) IN (
  SELECT order_id, part_no FROM manual_answer WHERE lane = $1::smallint AND order_id < $2
  ORDER BY order_id, part_no LIMIT $3::int);

-- name: parts_answered
-- Which parts of orders there are answers for: each is sealed as what it is.
SELECT DISTINCT part_no FROM manual_answer WHERE lane = $1::smallint ORDER BY part_no;

-- name: answers_under_other_keys
-- Sealed words of one part that are not under the current key of the ring, for re-sealing, from an order id on.
SELECT order_id, sealed FROM manual_answer
WHERE lane = $1::smallint AND part_no = $5::smallint AND order_id > $2
  AND get_byte(sealed, 1) * 256 + get_byte(sealed, 2) <> $3::int
ORDER BY order_id LIMIT $4::int;

-- name: images_under_other_keys
-- The same for images.
SELECT order_id, image FROM manual_answer
WHERE lane = $1::smallint AND part_no = $5::smallint AND order_id > $2 AND image IS NOT NULL
  AND get_byte(image, 1) * 256 + get_byte(image, 2) <> $3::int
ORDER BY order_id LIMIT $4::int;

-- name: reseal_answers
-- Puts re-sealed words in place of what was read.
UPDATE manual_answer a SET sealed = s.sealed
FROM unnest($3::bigint[], $4::bytea[], $5::bytea[]) AS s (order_id, sealed, old)
WHERE a.lane = $1::smallint AND a.part_no = $2::smallint AND a.order_id = s.order_id AND a.sealed = s.old;

-- name: reseal_images
-- And re-sealed images.
UPDATE manual_answer a SET image = s.sealed
FROM unnest($3::bigint[], $4::bytea[], $5::bytea[]) AS s (order_id, sealed, old)
WHERE a.lane = $1::smallint AND a.part_no = $2::smallint AND a.order_id = s.order_id AND a.image = s.old;
