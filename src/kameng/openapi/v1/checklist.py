"""The go-live checklist: a sandbox key asks what it has still to show before it may order in earnest."""

from __future__ import annotations

from litestar import Response, post

from kameng import identity
from kameng.kit import audit, clock, lanes
from kameng.openapi import golive
from kameng.openapi.v1 import examples
from kameng.openapi.v1.arriving import AnyRequest, Arrival, answer, arrival_of, signed, spend
from kameng.openapi.v1.endpoints import Reply, says
from kameng.openapi.v1.model import ChecklistAnswer, ChecklistItem
from kameng.openapi.v1.service import clock_ahead_ms

CLOCK_MAX_MS = 30_000


@post(
    "/api/v1/golive",
    status_code=200,
    guards=[signed],
    opt=says(
        operation="checkGoLive", tag="service", zh="上线检查", en="Are you ready to go live?",
        text="What this sandbox key has shown, and what it still has to. Asked of a live key nothing is noted. Each "
        "gateway knows what it saw itself, and keeps it once you ask: with several, ask again. Takes no body. Signed "
        "like a write. Any key may ask.",
        write=True, replies=(Reply(200, ChecklistAnswer, "The checklist.", examples.CHECKLIST),),
    ),
)  # fmt: skip
async def check_go_live(request: AnyRequest) -> Response[bytes]:
    arrival = arrival_of(request)
    await spend(arrival)
    now_done = {"signed"}
    if abs(clock_ahead_ms(list(request.scope["headers"]))) <= CLOCK_MAX_MS:
        now_done.add("clock")
    done = await _kept(arrival, frozenset(now_done))
    items = [ChecklistItem(step.code, step.code in done, step.en, step.zh) for step in golive.STEPS]
    key = identity.format_key_id(arrival.caller.key.key_id, sandbox=arrival.caller.organisation.sandbox)
    return answer(arrival, ChecklistAnswer(key, golive.ready(done), items))


async def _kept(arrival: Arrival, now_done: frozenset[str]) -> frozenset[str]:
    """What is done by now, written down if a sandbox key did more than was known."""
    key, organisation = arrival.caller.key, arrival.caller.organisation
    deeds: frozenset[str] = arrival.parts.lanes.rehearsals.deeds(key.key_id)
    seen = {*now_done, *deeds}
    async with arrival.parts.db.transaction() as connection:
        passage = await lanes.pass_gate(connection, organisation.lane, id_count=1)
        known = await golive.saved(connection, key.key_id)
        org_ids = [organisation.org_id, organisation.sandbox_of or organisation.org_id]
        if await identity.has_address_list(connection, organisation.lane, org_ids):
            seen.add("ip_list")
        done: frozenset[str] = known | (seen & golive.CODES)
        if done != known and organisation.sandbox:
            data = {"done": sorted(done), "ready": golive.ready(done)}
            line = audit.Line(passage.ids[0], organisation.org_id, key.key_id, golive.ACT, key.key_id, data)
            await audit.note(connection, organisation.lane, clock.now(), [line])
    return done
