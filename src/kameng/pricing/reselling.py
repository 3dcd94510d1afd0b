"""调价记录 of who buys from an agent: which of the logged changes moved what *he* pays. Pure.

What the log says (the platform's list price, his agent's level, the template of the agent above that one) is none of
his business: it is followed down the chain, before and after, and only his own price is told. Chain and levels count as
they are now, a named price as set by whom he buys from now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from kameng.pricing.changes import Logged, Move, SkuPrices
from kameng.pricing.markups import PLATFORM, AgentPrices, Bound, Markup
from kameng.pricing.model import price_below

WIDE_MAX = 100
"""Of a template for a brand, a scene or all, so many SKUs are told of."""
QUOTES_MAX = 20_000
"""So much is worked out for one page; its cursor leads on."""


class Sold(msgspec.Struct, frozen=True):
    """What prices below agents follow from, of the SKU itself."""

    sku_id: int
    brand: str
    scene: str
    list_price_e4: int
    floor_e4: int | None
    ceiling_e4: int | None


class Market(msgspec.Struct, frozen=True):
    """Prices as they are now: of some SKUs, for whoever may be in a chain."""

    skus: Mapping[int, Sold]
    levels: Mapping[tuple[int, int], int]  # (sku, level) → price
    named: Mapping[tuple[int, int], tuple[int, int]]  # (sku, organisation) → (seller, price)
    templates: Mapping[int, Mapping[tuple[str, str, int], Markup]]
    bounds: Mapping[tuple[int, int], Bound]


class Buyer(msgspec.Struct, frozen=True):
    """Somebody below agents: (id, level) of each of them, from the top."""

    org_id: int
    level: int
    chain: tuple[tuple[int, int], ...]

    @property
    def concerns(self) -> list[str]:
        """What the log calls changes that may move his price, but for templates."""
        top_id, top_level = self.chain[0]
        owners = [PLATFORM, *(agent_id for agent_id, _ in self.chain[:-1])]
        return [
            "list", "floor", "ceiling", f"level:{top_level}", f"named:{top_id}",
            *(f"named:{org_id}" for org_id, _ in self.chain[1:]), f"named:{self.org_id}",
            *(f"{what}:{owner}" for owner in owners for what in ("floor", "ceiling")),
        ]  # fmt: skip

    @property
    def agents(self) -> list[int]:
        """Whose templates may."""
        return [agent_id for agent_id, _ in self.chain]

    def is_concerned(self, what: str) -> bool:
        return what in self.concerns or (what.startswith("markup:") and int(what.split(":")[1]) in self.agents)


def moves_below(
    newest_first: Iterable[Logged], market: Market, buyer: Buyer, *, before_id: int | None = None,
    limit: int | None = None,
) -> tuple[list[Move], int | None]:  # fmt: skip
    """What these changes meant for him, newest first, below ``before_id``; and where to go on, if there is more."""
    past, quotes, last_id = _Past(market, buyer), 0, None
    found: list[Move] = []
    for change in newest_first:
        if before_id is not None and change.change_id >= before_id:
            past.undo(change)
            continue
        if limit is not None and (len(found) >= limit or quotes >= QUOTES_MAX):
            return found, last_id
        sku_ids = list(past.touched(change))
        after = {sku_id: past.price_e4(sku_id) for sku_id in sku_ids}
        past.undo(change)
        why = "named" if change.what == f"named:{buyer.org_id}" else "seller"
        for sku_id, after_e4 in after.items():
            before_e4 = past.price_e4(sku_id)
            if before_e4 != after_e4:
                found.append(Move(change.change_id, change.at, sku_id, why, before_e4, after_e4))
        quotes += 2 * len(sku_ids)
        last_id = change.change_id
    return found, None


class _Past:
    """Prices, taken back in time change by change."""

    def __init__(self, market: Market, buyer: Buyer) -> None:
        self._market, self._buyer = market, buyer
        self._top_id, self._top_level = buyer.chain[0]
        self._sellers = dict(zip([*(org_id for org_id, _ in buyer.chain[1:]), buyer.org_id], buyer.agents, strict=True))
        self._prices: dict[int, SkuPrices] = {}
        named = {
            (sku_id, org_id): value
            for sku_id in market.skus
            for org_id in self._sellers
            if (value := market.named.get((sku_id, org_id))) is not None and value[0] != PLATFORM
        }
        templates = {agent_id: dict(market.templates.get(agent_id, {})) for agent_id in buyer.agents}
        self._named, self._templates, self._bounds = named, templates, dict(market.bounds)
        self._agents = AgentPrices()
        self._agents.named, self._agents.templates, self._agents.bounds = named, templates, self._bounds

    def touched(self, change: Logged) -> Iterator[int]:
        """The SKUs whose price it may have moved."""
        if change.sku_id:
            if change.sku_id in self._market.skus:
                yield change.sku_id
            return
        _, scope, which, _ = _place_of(change.what)
        sold = self._market.skus.values()
        wide = (one.sku_id for one in sold if scope == "all" or getattr(one, scope) == which)
        for sku_id, _ in zip(wide, range(WIDE_MAX), strict=False):
            yield sku_id

    def price_e4(self, sku_id: int) -> int:
        """What the buyer paid for one."""
        top = self._of(sku_id)
        sold = msgspec.structs.replace(
            self._market.skus[sku_id], list_price_e4=top.list_price_e4, floor_e4=top.floor_e4,
            ceiling_e4=top.ceiling_e4,
        )  # fmt: skip
        buyer = self._buyer
        return price_below(self._agents, sold, top.unit_price_e4(), buyer.chain, org_id=buyer.org_id, level=buyer.level)

    def _of(self, sku_id: int) -> SkuPrices:
        """What the topmost agent's price follows from."""
        known = self._prices.get(sku_id)
        if known is None:
            sold, named = self._market.skus[sku_id], self._market.named.get((sku_id, self._top_id))
            known = self._prices[sku_id] = SkuPrices(
                sold.list_price_e4, sold.floor_e4, sold.ceiling_e4,
                self._market.levels.get((sku_id, self._top_level)),
                named[1] if named is not None and named[0] == PLATFORM else None,
            )  # fmt: skip
        return known

    def undo(self, change: Logged) -> None:
        kind, _, who = change.what.partition(":")
        if kind == "markup":
            agent_id, scope, which, level = _place_of(change.what)
            self._put(self._templates[agent_id], (scope, which, level), _markup(change.before))
        elif kind in ("floor", "ceiling") and who:
            owner = (int(who), change.sku_id)
            bound = self._bounds.get(owner) or Bound(None, None)
            bound = msgspec.structs.replace(bound, **{f"{kind}_e4": change.before_e4})
            self._put(self._bounds, owner, None if bound == Bound(None, None) else bound)
        elif kind == "named" and int(who) != self._top_id:
            before_e4, org_id = change.before_e4, int(who)
            value = None if before_e4 is None else (self._sellers[org_id], before_e4)
            self._put(self._named, (change.sku_id, org_id), value)
        elif change.sku_id in self._market.skus:
            self._of(change.sku_id).undo(change)

    @staticmethod
    def _put(place: dict[Any, Any], key: Any, value: Any) -> None:
        if value is None:
            place.pop(key, None)
        else:
            place[key] = value


def _place_of(what: str) -> tuple[int, str, str, int]:
    """Of ``markup:AGENT:scope:which:level``; a brand's name may have colons in it."""
    _, agent_id, scope, rest = what.split(":", 3)
    which, _, level = rest.rpartition(":")
    return int(agent_id), scope, which, int(level)


def _markup(before: dict[str, Any] | None) -> Markup | None:
    return None if before is None else msgspec.convert(before, Markup)
