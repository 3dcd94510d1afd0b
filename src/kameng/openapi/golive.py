"""Going live: what a sandbox key has shown that it can do, and what it still has to.

A gateway notes in memory what sandbox keys do; asked for the report it writes what it saw into an audit line of the
key, so that the report outlives the gateway and the operator sees it. A live key is never looked at while it orders.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from kameng import identity
from kameng.identity import Organisation
from kameng.kit import audit, clock, ids, lanes
from kameng.kit.db import Connection, Database
from kameng.orders import Rehearsals

ACT = "api_key.golive"


class Step(msgspec.Struct, frozen=True):
    """One thing to have done, and how."""

    code: str
    en: str
    zh: str


STEPS = (
    Step("signed", "Sign a request.", "发出一个签名正确的请求。"),
    Step("clock", "Keep your clock within 30 s of ours (NTP).", "本机时钟与平台相差不超过 30 秒（使用 NTP）。"),
    Step("wrong_signature", "Sign once with a wrong secret, and see it refused.", "用错误的密钥签名一次，确认被拒绝。"),
    Step("placed", "Place an order.", "成功下一笔订单。"),
    Step(
        "repeated", "Send an order again with the same reference and content.",
        "以相同外部单号和内容重发一笔订单。",
    ),
    Step(
        "content_changed", "Send other content under a used reference, and see it refused.",
        "以用过的外部单号发送不同内容，确认被拒绝。",
    ),
    Step(
        "refused", "Meet a refusal (client_ref ending in #0001) and handle it.",
        "遇到并处理一次拒单（外部单号以 #0001 结尾）。",
    ),
    Step("bulk", "Place a bulk order of two rows or more.", "批量下单一次，至少两行。"),
    Step("found_by_ref", "Find an order by its client_ref.", "按外部单号查询一次订单。"),
    Step("revealed", "Reveal an order's cards.", "重新查看一次订单的卡密。"),
    Step(
        "webhook", "Have a webhook, test it, and answer 2xx once its signature is verified.",
        "设置 Webhook 并测试推送，验签后返回 2xx。",
    ),
    Step("ip_list", "Give this key, or your live one, a list of addresses.", "为该密钥或正式密钥设置 IP 白名单。"),
)  # fmt: skip
CODES = frozenset(step.code for step in STEPS)


def ready(done: Collection[str]) -> bool:
    """Whether nothing is left to do."""
    return set(done) >= CODES


async def look(
    db: Database, rehearsals: Rehearsals, key_id: int, organisation: Organisation, *, now_done: Collection[str] = ()
) -> frozenset[str]:
    """What is done by now, written down if a sandbox key did more than was known."""
    seen = {*now_done, *rehearsals.deeds(key_id)}
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, organisation.lane, id_count=1)
        known = await saved(connection, key_id)
        org_ids = [organisation.org_id, organisation.sandbox_of or organisation.org_id]
        if await identity.has_address_list(connection, organisation.lane, org_ids):
            seen.add("ip_list")
        done: frozenset[str] = known | (seen & CODES)
        if done != known and organisation.sandbox:
            data = {"done": sorted(done), "ready": ready(done)}
            line = audit.Line(passage.ids[0], organisation.org_id, key_id, ACT, key_id, data)
            await audit.note(connection, organisation.lane, clock.now(), [line])
    return done


async def saved(connection: Connection, key_id: int) -> frozenset[str]:
    """What reports had found done until now; empty if none was asked for."""
    data = await audit.latest(connection, ids.lane_of(key_id), key_id, ACT)
    return frozenset() if data is None else frozenset(data["done"]) & CODES
