"""Domains of shops: asked for by their owners, decided by an operator who has seen whose they are."""

from __future__ import annotations

import secrets
from typing import Any

import msgspec

from kameng.kit.db import Connection, Database
from kameng.shops.errors import BadShop
from kameng.shops.keeping import change_shop
from kameng.shops.model import Shop

ANSWER_CHARS_MAX = 200


async def ask_domain(db: Database, org_id: int, domain: str, *, actor_id: int) -> Shop:
    """Ask for a domain. It stands beside the present one until an operator has seen that it is the owner's."""
    wanted = domain.strip().lower().rstrip(".")

    async def change(_: Connection, old: Shop) -> tuple[Shop, dict[str, Any]]:
        if wanted == old.domain:
            raise BadShop("domain: it is yours already", field="domain", detail_zh="域名：已在使用")
        proof = f"kameng-shop={secrets.token_urlsafe(18)}"
        new = msgspec.structs.replace(old, domain_wanted=wanted, domain_proof=proof, domain_answer="")
        return new, {"asked": wanted}

    return await change_shop(db, org_id, "shop.domain.ask", change, actor_id)


async def decide_domain(
    db: Database, org_id: int, domain: str, *, accept: bool, actor_id: int, reason: str = ""
) -> Shop:
    """An operator has looked: the shop answers there from now on, or its owner is told why not. ``BadShop`` if
    it is not what its owner asks for now, or another shop was given it."""
    if not accept and not (reason.strip() and len(reason) <= ANSWER_CHARS_MAX and reason.isprintable()):
        raise BadShop(
            f"reason: 1 to {ANSWER_CHARS_MAX} printable characters", field="reason",
            detail_zh=f"原因：应为 1 至 {ANSWER_CHARS_MAX} 个可见字符",
        )  # fmt: skip

    async def change(_: Connection, old: Shop) -> tuple[Shop, dict[str, Any]]:
        if domain != old.domain_wanted:
            raise BadShop("domain: its owner does not ask for it", field="domain", detail_zh="域名：店主未申请此域名")
        said = {"before": old.domain, "asked": domain, "reason": reason}
        if accept:
            return msgspec.structs.replace(old, domain=domain, domain_wanted=None, domain_answer=""), said
        return msgspec.structs.replace(old, domain_wanted=None, domain_answer=reason), said

    act = "shop.domain.accept" if accept else "shop.domain.refuse"
    return await change_shop(db, org_id, act, change, actor_id)


async def drop_domain(db: Database, org_id: int, *, actor_id: int) -> Shop:
    """Take back what was asked for; where nothing was, give up the domain."""

    async def change(_: Connection, old: Shop) -> tuple[Shop, dict[str, Any]]:
        if old.domain_wanted is not None:
            return msgspec.structs.replace(old, domain_wanted=None), {"asked": old.domain_wanted}
        return msgspec.structs.replace(old, domain=None, domain_answer=""), {"before": old.domain}

    return await change_shop(db, org_id, "shop.domain.drop", change, actor_id)
