"""Opening a shop, and changing it: each change is written down, and stands in every gateway within a second."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from kameng import identity
from kameng.kit import audit, clock, contents, epochs, ids, lanes
from kameng.kit.db import Connection, Database
from kameng.shops import store
from kameng.shops.colours import digest_of
from kameng.shops.errors import BadShop, NoSuchShop
from kameng.shops.model import TEXTS, Rules, Shop, check, check_selection

LOOK = {*TEXTS, "accent", "state"}
"""What ``set_shop`` changes."""
OWNERS = ("platform", "agent")
LOGO_BYTES_MAX = 200 * 1024
ENDINGS = {"png": "png", "jpeg": "jpg", "webp": "webp"}
MEDIA_TYPES = {ending: contents.MEDIA_TYPES[kind] for kind, ending in ENDINGS.items()}
Change = Callable[[Connection, Shop], Awaitable[tuple[Shop, dict[str, Any]]]]


async def open_shop(db: Database, shop: Shop, *, actor_id: int = 0) -> bool:
    """A shop of an organisation that has none yet; False, and nothing done, if it has one."""
    check(shop)
    async with db.transaction() as connection:
        changed, passage = await _pass(connection, shop.org_id)
        owner = await identity.find_organisation(connection, shop.org_id)
        if owner is None or owner.sandbox or owner.kind not in OWNERS:
            raise BadShop(
                "organisation: the platform or an agent", field="organisation", detail_zh="店主：应为平台或代理"
            )
        shop = msgspec.structs.replace(shop, is_house=owner.kind == "platform")
        if not await store.insert_shop(connection, shop, changed=changed, at=clock.now()):
            return False
        line = audit.Line(passage.ids[0], shop.org_id, actor_id, "shop.open", shop.org_id, {"name": shop.name})
        await audit.note(connection, passage.lane, clock.now(), [line])
    return True


async def set_shop(db: Database, org_id: int, *, actor_id: int, **changes: str) -> Shop:
    """Change what its visitors see: texts, the accent, whether it is open."""
    assert changes.keys() <= LOOK

    async def change(_: Connection, old: Shop) -> tuple[Shop, dict[str, Any]]:
        before = {name: getattr(old, name) for name in changes if getattr(old, name) != changes[name]}
        return msgspec.structs.replace(old, **changes), {"before": before, "after": {n: changes[n] for n in before}}

    return await change_shop(db, org_id, "shop.set", change, actor_id)


async def choose_goods(db: Database, org_id: int, sells: str, rules: Rules, *, actor_id: int) -> Shop:
    """What the shop shows and hides, instead of what it did before."""
    check_selection(sells, rules)

    async def change(connection: Connection, old: Shop) -> tuple[Shop, dict[str, Any]]:
        await store.set_goods(connection, org_id, rules)
        kept = {":".join(place): shown for place, shown in rules.items() if old.rules.get(place) != shown}
        gone = [":".join(place) for place in old.rules if place not in rules]
        new = msgspec.structs.replace(old, sells=sells, rules=dict(rules))
        return new, {"sells": [old.sells, sells], "set": kept, "gone": gone}

    return await change_shop(db, org_id, "shop.goods", change, actor_id)


async def set_logo(db: Database, org_id: int, content: bytes | None, *, actor_id: int) -> Shop:
    """The shop's picture, PNG, JPEG or WebP by its first bytes, whatever its name says; None takes it away."""
    name = "" if content is None else f"{digest_of(content)}.{kind_of(content)}"

    async def change(connection: Connection, old: Shop) -> tuple[Shop, dict[str, Any]]:
        await store.set_logo(connection, org_id, content)
        return msgspec.structs.replace(old, logo=name), {"before": old.logo, "after": name}

    return await change_shop(db, org_id, "shop.logo", change, actor_id)


async def read_logo(connection: Connection, shop: Shop, name: str) -> tuple[bytes, str] | None:
    """The picture and its media type; None unless it is called that now."""
    content = await store.read_logo(connection, shop.org_id) if name and name == shop.logo else None
    if content is None or digest_of(content) != name.partition(".")[0]:
        return None
    return content, MEDIA_TYPES[name.rpartition(".")[2]]


def kind_of(content: bytes) -> str:
    """What a picture is; ``BadShop`` if it is none of those that every browser shows, or too large."""
    if len(content) > LOGO_BYTES_MAX:
        most = LOGO_BYTES_MAX // 1024
        raise BadShop(f"logo: at most {most} KB", field="logo", detail_zh=f"Logo：不超过 {most} KB")
    ending = ENDINGS.get(contents.kind_of(content))
    if ending is None:
        raise BadShop("logo: a PNG, JPEG or WebP picture", field="logo", detail_zh="Logo：应为 PNG、JPEG 或 WebP 图片")
    return ending


async def change_shop(db: Database, org_id: int, act: str, change: Change, actor_id: int) -> Shop:
    """One change of a shop in one transaction, with its audit line."""
    async with db.transaction() as connection:
        changed, passage = await _pass(connection, org_id)
        old = await store.read_shop(connection, org_id)
        if old is None:
            raise NoSuchShop
        new, said = await change(connection, old)
        check(new)
        await store.update_shop(connection, new, changed=changed)
        line = audit.Line(passage.ids[0], org_id, actor_id, act, org_id, said)
        await audit.note(connection, passage.lane, clock.now(), [line])
    return msgspec.structs.replace(new, changed=changed)


async def _pass(connection: Connection, org_id: int) -> tuple[int, lanes.Passage]:
    """The new epoch, and the gate of the owner's lane; ``NoSuchShop`` where the number was mistyped."""
    if ids.lane_of(org_id) not in await lanes.lane_numbers(connection):
        raise NoSuchShop
    changed = await epochs.bump(connection, "identity")
    return changed, await lanes.pass_gate(connection, ids.lane_of(org_id), id_count=1)
