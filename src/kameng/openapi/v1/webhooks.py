"""Webhook endpoints: made, changed, rotated, removed, tried out, their log, and sending again."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from litestar import Response, delete, get, patch, post
from litestar.params import FromPath
from msgspec import UNSET

from kameng import notices
from kameng.identity import Scope
from kameng.kit import clock
from kameng.notices import BadEndpoint, BadReplay, Endpoint, EndpointDisabled, NoSuchEndpoint, TooManyEndpoints
from kameng.openapi.errors import BadRequest
from kameng.openapi.v1 import examples
from kameng.openapi.v1.arriving import AnyRequest, Arrival, answer, arrival_of, signed, spend
from kameng.openapi.v1.endpoints import Reply, says
from kameng.openapi.v1.reading import body_of, cursor_of, id_of, parse_cursor, query_of
from kameng.openapi.v1.telling_model import (
    DeliveriesAnswer,
    DeliveriesQuery,
    DeliveryBody,
    NewWebhook,
    NewWebhookAnswer,
    ReplayAnswer,
    ReplayBody,
    WebhookBody,
    WebhookChange,
    WebhookRemoved,
    WebhooksAnswer,
    WebhookTested,
)
from kameng.orders import ID_MAX

WEBHOOK_ID = {"webhook_id": "The webhook's id."}
_new = msgspec.json.Decoder(NewWebhook)
_change = msgspec.json.Decoder(WebhookChange)
_replay = msgspec.json.Decoder(ReplayBody)


@get(
    "/api/v1/webhooks",
    guards=[signed],
    opt=says(
        operation="listWebhooks", tag="webhooks", zh="Webhook 列表", en="Your webhooks", scope=Scope.webhooks_manage,
        replies=(Reply(200, WebhooksAnswer, "All of them, oldest first.", examples.WEBHOOKS),),
    ),
)  # fmt: skip
async def list_webhooks(request: AnyRequest) -> Response[bytes]:
    arrival = arrival_of(request)
    found = await notices.list_endpoints(arrival.parts.db, arrival.caller.organisation.org_id)
    return answer(arrival, WebhooksAnswer([_shown(endpoint) for endpoint in found]))


@post(
    "/api/v1/webhooks",
    guards=[signed],
    opt=says(
        operation="createWebhook", tag="webhooks", zh="新建 Webhook", en="Make a webhook",
        text="It is sent what happens from now on, signed by Standard Webhooks 1.0. The secret is shown this once.",
        scope=Scope.webhooks_manage, write=True, body=NewWebhook, body_example=examples.WEBHOOK_BODY,
        refusals=(BadEndpoint, TooManyEndpoints),
        replies=(Reply(201, NewWebhookAnswer, "Made.", examples.NEW_WEBHOOK),),
    ),
)  # fmt: skip
async def create_webhook(request: AnyRequest) -> Response[bytes]:
    arrival = arrival_of(request)
    sent = body_of(arrival.body, _new)
    org_id = await _spend(arrival)
    made = await notices.create_endpoint(
        arrival.parts.db, arrival.parts.snapshot.ring, org_id, url=sent.url, kinds=sent.kinds, name=sent.name,
        policy=arrival.parts.policy, actor_id=arrival.caller.key.key_id,
    )  # fmt: skip
    return answer(arrival, NewWebhookAnswer(_shown(made.endpoint), made.secret))


@patch(
    "/api/v1/webhooks/{webhook_id:str}",
    guards=[signed],
    opt=says(
        operation="changeWebhook", tag="webhooks", zh="修改 Webhook", en="Change a webhook",
        text="`state: active` lets a disabled or paused one begin anew.",
        scope=Scope.webhooks_manage, write=True, path=WEBHOOK_ID, body=WebhookChange,
        body_example={"state": "active"}, refusals=(BadEndpoint, NoSuchEndpoint),
        replies=(Reply(200, WebhookBody, "As it is now.", examples.WEBHOOK),),
    ),
)  # fmt: skip
async def change_webhook(request: AnyRequest, webhook_id: FromPath[str]) -> Response[bytes]:
    arrival = arrival_of(request)
    sent = body_of(arrival.body, _change)
    org_id, wished = await _spend(arrival), {k: v for k, v in msgspec.structs.asdict(sent).items() if v is not UNSET}
    changed = await notices.change_endpoint(
        arrival.parts.db, org_id, _id(webhook_id), policy=arrival.parts.policy, actor_id=arrival.caller.key.key_id,
        **wished,
    )  # fmt: skip
    return answer(arrival, _shown(changed))


@delete(
    "/api/v1/webhooks/{webhook_id:str}",
    status_code=200,
    guards=[signed],
    opt=says(
        operation="removeWebhook", tag="webhooks", zh="删除 Webhook", en="Remove a webhook",
        scope=Scope.webhooks_manage, write=True, path=WEBHOOK_ID, refusals=(NoSuchEndpoint,),
        replies=(Reply(200, WebhookRemoved, "Nothing more is sent.", examples.WEBHOOK_REMOVED),),
    ),
)  # fmt: skip
async def remove_webhook(request: AnyRequest, webhook_id: FromPath[str]) -> Response[bytes]:
    arrival = arrival_of(request)
    org_id, endpoint_id = await _spend(arrival), _id(webhook_id)
    await notices.remove_endpoint(arrival.parts.db, org_id, endpoint_id, actor_id=arrival.caller.key.key_id)
    return answer(arrival, WebhookRemoved(webhook_id, "removed"))


@post(
    "/api/v1/webhooks/{webhook_id:str}/rotate",
    status_code=200,
    guards=[signed],
    opt=says(
        operation="rotateWebhook", tag="webhooks", zh="轮换 Webhook 密钥", en="A new secret for a webhook",
        text="For a day every message carries two signatures, by the new secret and by the old one. Takes no body.",
        scope=Scope.webhooks_manage, write=True, path=WEBHOOK_ID, refusals=(NoSuchEndpoint,),
        replies=(Reply(200, NewWebhookAnswer, "The new secret, shown this once.", examples.NEW_WEBHOOK),),
    ),
)  # fmt: skip
async def rotate_webhook(request: AnyRequest, webhook_id: FromPath[str]) -> Response[bytes]:
    arrival = arrival_of(request)
    made = await notices.rotate_secret(
        arrival.parts.db, arrival.parts.snapshot.ring, await _spend(arrival), _id(webhook_id),
        actor_id=arrival.caller.key.key_id,
    )  # fmt: skip
    return answer(arrival, NewWebhookAnswer(_shown(made.endpoint), made.secret))


@post(
    "/api/v1/webhooks/{webhook_id:str}/test",
    status_code=200,
    guards=[signed],
    opt=says(
        operation="testWebhook", tag="webhooks", zh="测试 Webhook", en="Send a test message",
        text="A `webhook.test`, sent while you wait. Takes no body.",
        scope=Scope.webhooks_manage, write=True, path=WEBHOOK_ID, refusals=(NoSuchEndpoint,),
        replies=(Reply(200, WebhookTested, "What came of it.", examples.WEBHOOK_TESTED),),
    ),
)  # fmt: skip
async def test_webhook(request: AnyRequest, webhook_id: FromPath[str]) -> Response[bytes]:
    arrival = arrival_of(request)
    org_id, parts = await _spend(arrival), arrival.parts
    async with notices.Sender(parts.policy) as sender:
        outcome = await notices.try_endpoint(parts.db, parts.snapshot.ring, sender, org_id, _id(webhook_id))
    if outcome.delivered:
        arrival.rehearsed("webhook")
    return answer(arrival, WebhookTested(outcome.delivered, outcome.status, outcome.took_ms, outcome.fault))


@post(
    "/api/v1/webhooks/{webhook_id:str}/replay",
    status_code=202,
    guards=[signed],
    opt=says(
        operation="replayWebhook", tag="webhooks", zh="重发事件", en="Send events again",
        text="One event, or all of a span of at most a day, under the ids they had. Orders are told as they stand now, "
        "each once.",
        scope=Scope.webhooks_manage, write=True, path=WEBHOOK_ID, body=ReplayBody,
        body_example={"since": examples.AT}, refusals=(NoSuchEndpoint, EndpointDisabled, BadReplay),
        replies=(Reply(202, ReplayAnswer, "They will be sent.", examples.REPLAYING),),
    ),
)  # fmt: skip
async def replay_webhook(request: AnyRequest, webhook_id: FromPath[str]) -> Response[bytes]:
    arrival = arrival_of(request)
    sent = body_of(arrival.body, _replay)
    event_id = None if sent.event is UNSET else int(sent.event)
    since, until = _moment(sent.since, "since"), _moment(sent.until, "until")
    await notices.replay(
        arrival.parts.db, await _spend(arrival), _id(webhook_id), event_id=event_id, since=since, until=until,
        actor_id=arrival.caller.key.key_id,
    )  # fmt: skip
    return answer(arrival, ReplayAnswer(webhook_id, "replaying"))


@get(
    "/api/v1/webhooks/{webhook_id:str}/deliveries",
    guards=[signed],
    opt=says(
        operation="listDeliveries", tag="webhooks", zh="推送日志", en="What was tried at a webhook",
        text="Newest first, for 30 days. A page may hold a few more than `limit`.",
        scope=Scope.webhooks_manage, path=WEBHOOK_ID, query=DeliveriesQuery, refusals=(NoSuchEndpoint,),
        replies=(Reply(200, DeliveriesAnswer, "A page of attempts.", examples.DELIVERIES),),
    ),
)  # fmt: skip
async def list_deliveries(request: AnyRequest, webhook_id: FromPath[str]) -> Response[bytes]:
    arrival = arrival_of(request)
    query = query_of(arrival.query, DeliveriesQuery)
    before_id = ID_MAX if query.cursor is UNSET else parse_cursor(query.cursor)
    page = await notices.read_log(
        arrival.parts.db, arrival.caller.organisation.org_id, _id(webhook_id), before_id=before_id, limit=query.limit
    )
    shown = [
        DeliveryBody(str(x.event_id), x.attempt, clock.rfc3339(x.at), x.status, x.took_ms, x.fault)
        for x in page.attempts
    ]
    return answer(arrival, DeliveriesAnswer(shown, None if page.next_id is None else cursor_of(page.next_id)))


async def _spend(arrival: Arrival) -> int:
    """Spend the nonce of a write; the organisation that writes."""
    await spend(arrival)
    return arrival.caller.organisation.org_id


def _id(text: str) -> int:
    return id_of(text, NoSuchEndpoint)


def _moment(text: object, field: str) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadRequest("a time like 2026-11-22T08:30:00Z", field=field, detail_zh="应为 RFC 3339 时间") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _shown(endpoint: Endpoint) -> WebhookBody:
    return WebhookBody(
        str(endpoint.endpoint_id), endpoint.name, endpoint.url, list(endpoint.kinds),
        endpoint.state,  # type: ignore[arg-type] # active or disabled: removed ones are not read
        endpoint.reason, clock.rfc3339(endpoint.created_at), endpoint.failures,
        None if endpoint.failing_since is None else clock.rfc3339(endpoint.failing_since),
        None if endpoint.paused_until is None else clock.rfc3339(endpoint.paused_until),
    )  # fmt: skip
