"""About the service itself: what a key may do, every refusal there is, whether it is well, its numbers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network

from litestar import MediaType, Response, get

from kameng import identity
from kameng.identity import Caller
from kameng.kit import clock, metrics, money
from kameng.kit.db import Database
from kameng.kit.errors import REGISTRY
from kameng.openapi.auth import Headers
from kameng.openapi.errors import NoSuchPath, Unavailable
from kameng.openapi.v1 import examples
from kameng.openapi.v1.arriving import AnyRequest, answer, arrival_of, peer_of, signed, unsigned_answer
from kameng.openapi.v1.endpoints import Reply, says
from kameng.openapi.v1.model import ErrorEntry, ErrorsAnswer, HealthAnswer, Notice, SelfTestAnswer

CLOCK_OFF_MS = 5_000
EXPIRES_SOON_MS = 14 * 86_400_000
HEALTH_TIMEOUT_S = 1.0
HEALTH_AGE_MAX_S = 1.0


@get(
    "/api/v1/self-test",
    guards=[signed],
    opt=says(
        operation="selfTest", tag="service", zh="密钥自检", en="Test your key",
        text="What your key may do, how far your clock is off, and what to mend before going live. Any key may ask.",
        replies=(Reply(200, SelfTestAnswer, "Your key works.", examples.SELF_TEST),),
    ),
)  # fmt: skip
async def self_test(request: AnyRequest) -> Response[bytes]:
    arrival = arrival_of(request)
    return answer(arrival, _self_test(arrival.caller, list(request.scope["headers"])))


@get(
    "/api/v1/errors",
    opt=says(
        operation="listErrors", tag="service", zh="错误码", en="Every error code", signed=False,
        replies=(Reply(200, ErrorsAnswer, "Every `code` that a problem may have.", examples.ERRORS),),
    ),
)  # fmt: skip
async def list_errors() -> Response[bytes]:
    return unsigned_answer(ErrorsAnswer(error_entries()), max_age_s=3600)


@get(
    "/healthz",
    opt=says(
        operation="health", tag="service", zh="健康检查", en="Is the gateway well?", signed=False,
        text="Asks the database, for a second at most. For load balancers.",
        replies=(Reply(200, HealthAnswer, "Well.", {"status": "ok"}),),
    ),
)  # fmt: skip
async def health(request: AnyRequest) -> Response[bytes]:
    await request.scope["state"]["pulse"].check()
    return unsigned_answer(HealthAnswer("ok"))


@get("/metrics", opt={"hidden": True})
async def show_metrics(request: AnyRequest) -> Response[bytes]:
    """Prometheus' numbers, for this machine and ``metrics_networks``: others are told that there is nothing here."""
    forwarded = {"x-forwarded-for", "forwarded", "x-real-ip"} & set(request.headers.keys())
    peer = ip_address(peer_of(request.scope))  # type: ignore[arg-type]
    networks = request.scope["state"]["parts"].settings.metrics_networks
    if forwarded or not (peer.is_loopback or any(peer in ip_network(network) for network in networks)):
        raise NoSuchPath
    return Response(
        metrics.render(), media_type=MediaType.TEXT,
        headers={"content-type": metrics.CONTENT_TYPE, "cache-control": "no-store"},
    )  # fmt: skip


def error_entries() -> list[ErrorEntry]:
    """Every refusal that can go over the wire, by code."""
    return [
        ErrorEntry(code, reason.status, reason.retry, reason.outcome, reason.en(), reason.zh)
        for code, reason in sorted(REGISTRY.items())
    ]


class Pulse:
    """Whether the database answers; asked at most once a second, whoever asks."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._checking = asyncio.Lock()
        self._checked_at = -HEALTH_AGE_MAX_S
        self._well = False

    async def check(self) -> None:
        """Raises ``Unavailable`` if it does not."""
        async with self._checking:
            if time.monotonic() - self._checked_at >= HEALTH_AGE_MAX_S:
                self._well = await self._ask()
                self._checked_at = time.monotonic()
        if not self._well:
            raise Unavailable

    async def _ask(self) -> bool:
        try:
            async with asyncio.timeout(HEALTH_TIMEOUT_S), self._db.connection() as connection:
                return bool(await connection.fetchval("SELECT true"))
        except Exception:  # whatever it is, the database did not answer
            return False


def _self_test(caller: Caller, headers: Headers) -> SelfTestAnswer:
    key, organisation, now_ms = caller.key, caller.organisation, clock.now_ms()
    hmac, ahead_ms = _hmac_of(headers), clock_ahead_ms(headers)
    expires_ms = key.expires_at_ms
    return SelfTestAnswer(
        key=identity.format_key_id(key.key_id, sandbox=organisation.sandbox),
        sandbox=organisation.sandbox,
        organisation=organisation.name,
        organisation_id=str(organisation.org_id),
        currency=organisation.currency,
        signed_with="RFC 9421, ed25519" if hmac is None else "KAMENG-HMAC-SHA256",
        scopes=sorted(key.scopes),
        allowed_ips=[str(network) for network in key.allowed_ips],
        your_ip=caller.ip,
        rate_per_second=key.rate_per_second,
        daily_limit=None if key.daily_limit_e4 is None else money.format_e4(key.daily_limit_e4),
        expires_at=None if expires_ms is None else clock.rfc3339(_at(expires_ms)),
        server_time=clock.rfc3339(_at(now_ms)),
        clock_ahead_ms=ahead_ms,
        warnings=list(_warnings(caller, ahead_ms, now_ms)),
    )


def clock_ahead_ms(headers: Headers) -> int:
    """How far the clock of a request that was well signed is ahead of ours."""
    now_ms, hmac = clock.now_ms(), _hmac_of(headers)
    ts_s = identity.parse_signature_input(headers).ts_s if hmac is None else identity.parse_authorization(hmac).ts_s
    # A signature counts whole seconds: anything within its second is not ahead and not behind.
    return 0 if 0 <= now_ms - ts_s * 1000 < 1000 else ts_s * 1000 - now_ms


def _hmac_of(headers: Headers) -> bytes | None:
    return next((value for name, value in headers if name == b"authorization"), None)


def _at(unix_ms: int) -> datetime:
    return datetime.fromtimestamp(unix_ms / 1000, UTC)


def _warnings(caller: Caller, ahead_ms: int, now_ms: int) -> Iterator[Notice]:
    key = caller.key
    if abs(ahead_ms) > CLOCK_OFF_MS:
        en, zh = ("ahead", "快") if ahead_ms > 0 else ("behind", "慢")
        seconds = f"{abs(ahead_ms) / 1000:.0f}"
        yield Notice(
            "clock_off", f"Your clock is {seconds} s {en}: set it by NTP.",
            f"您的时钟{zh}了 {seconds} 秒，请用 NTP 校准。",
        )  # fmt: skip
    if caller.organisation.sandbox:
        yield Notice("sandbox", "This key plays: money and cards are not real.", "这是沙箱密钥：资金与卡密均为模拟。")
    elif not key.allowed_ips:
        yield Notice(
            "no_ip_list", "This key works from any address: give it a list of yours.",
            "该密钥未限制来源 IP，建议设置白名单。",
        )  # fmt: skip
    if key.expires_at_ms is not None and key.expires_at_ms - now_ms < EXPIRES_SOON_MS:
        yield Notice(
            "key_expires", "This key expires within 14 days: rotate it.", "该密钥将在 14 天内到期，请及时轮换。"
        )
    missing = ", ".join(sorted(identity.scopes_of(caller.organisation.kind) - key.scopes))
    if missing:
        yield Notice("scopes_missing", f"This key may not: {missing}.", f"该密钥没有以下权限：{missing}。")
