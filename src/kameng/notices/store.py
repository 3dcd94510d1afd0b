"""The statements of endpoints and their secrets, one thin function each. Callers hold the gate when they write."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from kameng.kit import crypto, ids, logs, resealing, sql
from kameng.kit.db import Connection
from kameng.notices import signing
from kameng.notices.model import Endpoint, Event, SigningKey

statements = sql.load("kameng.notices")
log = logs.get_logger(__name__)

SECRET = b"webhook_secret"
"""What an endpoint's secret is sealed as."""


def endpoint_from(row: Any) -> Endpoint:
    values = list(row)
    values[4] = tuple(values[4])
    return Endpoint(*values)


async def insert_endpoint(connection: Connection, endpoint: Endpoint) -> None:
    await connection.execute(
        statements.insert_endpoint, endpoint.lane, endpoint.endpoint_id, endpoint.org_id, endpoint.name, endpoint.url,
        list(endpoint.kinds), endpoint.changed, endpoint.created_at,
    )  # fmt: skip


async def insert_secret(
    connection: Connection, ring: crypto.KeyRing, endpoint_id: int, secret_id: int, secret: str
) -> None:
    sealed = ring.seal(SECRET, secret_id, secret.encode())
    await connection.execute(statements.insert_secret, ids.lane_of(endpoint_id), secret_id, endpoint_id, sealed)


async def endpoints_of(connection: Connection, org_id: int) -> list[Endpoint]:
    rows = await connection.fetch(statements.endpoints_of_organisation, ids.lane_of(org_id), org_id)
    return [endpoint_from(row) for row in rows]


async def read_endpoint(connection: Connection, endpoint_id: int) -> Endpoint | None:
    row = await connection.fetchrow(statements.read_endpoint, ids.lane_of(endpoint_id), endpoint_id)
    return None if row is None else endpoint_from(row)


async def changed_endpoints(connection: Connection, lane: int, serial: int) -> list[Endpoint]:
    return [endpoint_from(row) for row in await connection.fetch(statements.changed_endpoints, lane, serial)]


async def set_endpoint(
    connection: Connection, endpoint: Endpoint, *, changed: int, afresh: bool, from_id: int = 0
) -> None:
    """``afresh``: made active again, with no failures, and nothing from before ``from_id``."""
    await connection.execute(
        statements.set_endpoint, endpoint.lane, endpoint.endpoint_id, endpoint.name, endpoint.url,
        list(endpoint.kinds), endpoint.state, endpoint.reason, changed, from_id, afresh,
    )  # fmt: skip


async def touch_endpoint(connection: Connection, endpoint_id: int, *, changed: int) -> None:
    await connection.execute(statements.touch_endpoint, ids.lane_of(endpoint_id), endpoint_id, changed)


async def remove_endpoint(connection: Connection, endpoint_id: int, *, changed: int) -> None:
    await connection.execute(statements.remove_endpoint, ids.lane_of(endpoint_id), endpoint_id, changed)


async def purge_removed(connection: Connection, lane: int, *, before_serial: int) -> None:
    await connection.execute(statements.purge_removed, lane, before_serial)


async def want_events(connection: Connection, org_id: int, *, changed: int) -> None:
    await connection.execute(statements.want_events, ids.lane_of(org_id), org_id, changed)


async def keys_of(
    connection: Connection, ring: crypto.KeyRing, lane: int, endpoint_ids: Sequence[int], at: datetime
) -> dict[int, tuple[SigningKey, ...]]:
    """The keys that sign for each endpoint, the newest first. One that does not open is left out, and told."""
    found: dict[int, tuple[SigningKey, ...]] = {}
    for row in await connection.fetch(statements.secrets_of_endpoints, lane, list(endpoint_ids), at):
        endpoint_id, secret_id = row["endpoint_id"], row["secret_id"]
        try:
            key = SigningKey(signing.key_of(ring.open(SECRET, secret_id, row["sealed"]).decode()), row["until"])
        except crypto.Unsealable as error:
            log.error("the secret of a webhook does not open", error, endpoint_id=endpoint_id)
            continue
        found[endpoint_id] = (*found.get(endpoint_id, ()), key)
    return found


async def retire_secrets(connection: Connection, endpoint_id: int, *, at: datetime, until: datetime) -> None:
    await connection.execute(statements.retire_secrets, ids.lane_of(endpoint_id), endpoint_id, at, until)


async def secrets_under_other_keys(
    connection: Connection, lane: int, after_id: int, key_number: int, limit: int
) -> list[tuple[int, bytes]]:
    rows = await connection.fetch(
        statements.secrets_under_other_keys, lane, after_id, key_number, limit, timeout=resealing.LOOK_TIMEOUT_S
    )
    return [(row["secret_id"], row["sealed"]) for row in rows]


async def reseal_secrets(connection: Connection, lane: int, sealed: Sequence[tuple[int, bytes, bytes]]) -> None:
    """(id, fresh, old) each; a row that changed since it was read is left alone."""
    columns = [list(column) for column in zip(*sealed, strict=True)]
    await connection.execute(statements.reseal_secrets, lane, *columns)


async def organisation_exists(connection: Connection, org_id: int) -> bool:
    return bool(await connection.fetchval(statements.organisation_exists, ids.lane_of(org_id), org_id))


async def insert_replay(
    connection: Connection, endpoint_id: int, replay_id: int, *, after_id: int, until_id: int
) -> None:
    lane = ids.lane_of(endpoint_id)
    await connection.execute(statements.insert_replay, lane, replay_id, endpoint_id, after_id, until_id)


async def is_owed(connection: Connection, org_id: int, event_id: int) -> bool:
    """Whether the event is one of the organisation's, and due."""
    return bool(await connection.fetchval(statements.event_of_organisation, ids.lane_of(org_id), org_id, event_id))


async def due_events(connection: Connection, lane: int, *, after_id: int, limit: int) -> list[Event]:
    rows = await connection.fetch(statements.due_events, lane, after_id, limit)
    return [Event(*row) for row in rows]


async def due_events_of(
    connection: Connection, org_id: int, *, after_id: int, until_id: int, limit: int
) -> list[Event]:
    rows = await connection.fetch(
        statements.due_events_of, ids.lane_of(org_id), org_id, after_id, until_id, limit
    )
    return [Event(*row) for row in rows]


async def last_due_event(connection: Connection, lane: int) -> int:
    found: int = await connection.fetchval(statements.last_due_event, lane)
    return found


async def open_feed(connection: Connection, org_id: int, *, since_id: int, at: datetime) -> None:
    await connection.execute(statements.open_feed, ids.lane_of(org_id), org_id, since_id, at)


async def feed_since(connection: Connection, org_id: int) -> int | None:
    found: int | None = await connection.fetchval(statements.feed_since, ids.lane_of(org_id), org_id)
    return found


async def read_log(
    connection: Connection, endpoint_id: int, *, before_id: int, limit: int
) -> list[Any]:
    rows: list[Any] = await connection.fetch(
        statements.read_log, ids.lane_of(endpoint_id), endpoint_id, before_id, limit
    )
    return rows


async def purge_log(connection: Connection, lane: int, *, before_id: int, limit: int) -> int:
    status = await connection.execute(statements.purge_log, lane, before_id, limit)
    return int(status.rpartition(" ")[2])
