"""Many prices at once: looked at first, put in place together, and taken back as long as nobody changed them since.

``plan`` is pure: which SKUs, what each costs before and after, and what would be left of it. ``reprice`` puts exactly
that in place, in one transaction, and keeps what was before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from kameng.catalogue import store
from kameng.catalogue.bundling import check_change, with_bundles
from kameng.catalogue.checking import check_sku
from kameng.catalogue.errors import BadRepricing, BadSku, NoSuchPriceRun, PriceRunUndone, PricesMoved
from kameng.catalogue.model import HOWS, PriceRun, Repricing, Sku
from kameng.catalogue.publishing import keep
from kameng.kit import clock, epochs, ids, money
from kameng.kit.db import Database

PERCENT_E4 = 10_000
SKUS_MAX = 2000
REASON_CHARS_MAX = 500
ID_MAX = (1 << 63) - 1
UNITS_E4 = (1, 100, 1_000, 10_000)


class Planned(msgspec.Struct, frozen=True):
    """One SKU's list price before and after; ``refused`` says in Chinese and English why it can't be."""

    sku: Sku
    before_e4: int
    after_e4: int
    refused: tuple[str, str] | None = None

    @property
    def margin_e4(self) -> int:
        """What is left of the list price over cost, afterwards."""
        return self.after_e4 - self.sku.cost_e4

    @property
    def is_change(self) -> bool:
        return self.refused is None and self.before_e4 != self.after_e4


def plan(skus: Iterable[Sku], rule: Repricing) -> list[Planned]:
    """What a rule makes of list prices; changes nothing. A bundle whose price follows its parts is left alone."""
    _check(rule)
    found = []
    for sku in skus:
        after_e4 = _after(sku, rule)
        found.append(Planned(sku, sku.list_price_e4, after_e4, _refused(sku, after_e4)))
    return found


def _after(sku: Sku, rule: Repricing) -> int:
    if rule.how == "percent":
        raw = sku.list_price_e4 * (100 * PERCENT_E4 + rule.value_e4)
    elif rule.how == "margin":
        raw = sku.cost_e4 * (100 * PERCENT_E4 + rule.value_e4)
    else:
        raw = (sku.list_price_e4 + rule.value_e4) * 100 * PERCENT_E4
    return -(-raw // (100 * PERCENT_E4 * rule.unit_e4)) * rule.unit_e4


def _refused(sku: Sku, after_e4: int) -> tuple[str, str] | None:
    if sku.discount_percent_e4 is not None:
        return "组合价随各项变动", "its price follows its parts"
    if after_e4 <= 0:
        return "价格须大于 0", "a price is above zero"
    if after_e4 < sku.cost_e4 and not sku.below_cost_allowed:
        return "低于成本", "below cost"
    try:
        check_sku(msgspec.structs.replace(sku, list_price_e4=after_e4))
    except BadSku as refusal:
        return refusal.detail_zh, refusal.detail
    return None


def _check(rule: Repricing) -> None:
    if rule.how not in HOWS:
        raise BadRepricing(f"how: one of {', '.join(HOWS)}", field="how", detail_zh="方式：不支持")
    if rule.unit_e4 not in UNITS_E4:
        raise BadRepricing("unit: 0.0001, 0.01, 0.1 or 1", field="unit", detail_zh="取整：应为 0.0001、0.01、0.1 或 1")
    if rule.how != "fixed" and not -100 * PERCENT_E4 < rule.value_e4 <= 10_000 * PERCENT_E4:
        raise BadRepricing("value: above -100 per cent", field="value", detail_zh="幅度：应大于 -100%，不超过 10000%")
    if abs(rule.value_e4) > money.AMOUNT_E4_MAX:
        raise BadRepricing("value: too large", field="value", detail_zh="幅度：过大")


async def reprice(
    db: Database, wanted: Sequence[tuple[int, int, int]], rule: Repricing, *, reason: str, actor_id: int
) -> PriceRun:
    """Put planned list prices in place, all or none: (SKU, before, after) each.

    ``PricesMoved`` if one of them is not what it was planned from: look again.
    """
    _check_wanted(wanted, reason)
    run_id, at = ids.random_id(), clock.now()
    after = {sku_id: after_e4 for sku_id, _, after_e4 in wanted}
    async with db.transaction() as connection:
        epoch = await epochs.bump(connection, "catalogue")
        skus = {sku.sku_id: sku for sku in await store.changed_skus(connection, -1)}
        moved = [sku_id for sku_id, before_e4, _ in wanted
                 if sku_id not in skus or skus[sku_id].list_price_e4 != before_e4]  # fmt: skip
        if moved:
            shown = ", ".join(map(str, moved[:5]))
            raise PricesMoved(shown, detail_zh=shown)
        changes = _changes(skus, after)
        for _, new in changes:
            await store.set_sku(connection, new, changed=epoch)
        run = PriceRun(run_id, at, actor_id, reason, rule, list(wanted), None, None)
        await store.insert_price_run(connection, run)
        said = {"run": str(run_id), "skus": len(wanted), "reason": reason, "how": rule.how, "value_e4": rule.value_e4}
        await keep(connection, epoch, changes, [("prices.run", run_id, said)], actor_id)
    return run


async def undo(db: Database, run_id: int, *, actor_id: int) -> list[int]:
    """Bring back what a run changed; the SKUs that somebody changed since, which stay as they are."""
    async with db.transaction() as connection:
        epoch = await epochs.bump(connection, "catalogue")
        run = await store.read_price_run(connection, run_id)
        if run is None:
            raise NoSuchPriceRun
        if run.undone_at is not None:
            raise PriceRunUndone
        skus = {sku.sku_id: sku for sku in await store.changed_skus(connection, -1)}
        left = [sku_id for sku_id, _, after_e4 in run.prices if skus[sku_id].list_price_e4 != after_e4]
        before = {sku_id: before_e4 for sku_id, before_e4, _ in run.prices if sku_id not in left}
        changes = _changes(skus, before)
        for _, new in changes:
            await store.set_sku(connection, new, changed=epoch)
        await store.undo_price_run(connection, run_id, clock.now(), actor_id)
        said = {"run": str(run_id), "skus": len(before), "left": len(left)}
        await keep(connection, epoch, changes, [("prices.undo", run_id, said)], actor_id)
    return left


def _changes(skus: Mapping[int, Sku], prices: Mapping[int, int]) -> list[tuple[Sku | None, Sku]]:
    """With the bundles that follow; each can be so."""
    changes: list[tuple[Sku | None, Sku]] = []
    for sku_id, price_e4 in prices.items():
        old = skus[sku_id]
        new = msgspec.structs.replace(old, list_price_e4=price_e4)
        check_sku(new)
        check_change(old, new, skus)
        changes.append((old, new))
    return with_bundles(changes, skus)


def _check_wanted(wanted: Sequence[tuple[int, int, int]], reason: str) -> None:
    if not 0 < len(wanted) <= SKUS_MAX:
        raise BadRepricing(f"skus: 1 to {SKUS_MAX}", field="skus", detail_zh=f"商品：应为 1 至 {SKUS_MAX} 个")
    if not (reason.strip() and len(reason) <= REASON_CHARS_MAX and reason.isprintable()):
        raise BadRepricing(
            f"reason: 1 to {REASON_CHARS_MAX} printable characters", field="reason",
            detail_zh=f"原因：应为 1 至 {REASON_CHARS_MAX} 个可见字符",
        )  # fmt: skip


async def price_runs(db: Database, *, limit: int = 20) -> list[PriceRun]:
    """Newest first."""
    async with db.connection() as connection:
        return await store.price_runs(connection, limit)
