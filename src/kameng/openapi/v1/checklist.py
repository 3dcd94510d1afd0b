"""The go-live checklist: a sandbox key asks what it has still to show before it may order in earnest."""

from __future__ import annotations

from litestar import Response, post

from kameng import identity
from kameng.openapi import golive
from kameng.openapi.v1 import examples
from kameng.openapi.v1.arriving import AnyRequest, answer, arrival_of, signed, spend
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
    parts = arrival.parts
    done = await golive.look(
        parts.db, parts.lanes.rehearsals, arrival.caller.key.key_id, arrival.caller.organisation, now_done=now_done
    )
    items = [ChecklistItem(step.code, step.code in done, step.en, step.zh) for step in golive.STEPS]
    key = identity.format_key_id(arrival.caller.key.key_id, sandbox=arrival.caller.organisation.sandbox)
    return answer(arrival, ChecklistAnswer(key, golive.ready(done), items))
