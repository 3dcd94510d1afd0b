"""Bundles: what they are made of, and how they follow it. Pure.

A bundle names its parts and which share of its price each is worth; a gift is worth nothing of it. All else follows:
the form is that of all parts together, the cost is the sum of theirs, and where the bundle has a discount its list
price is that much below theirs. So a change of a part is a change of its bundles, in the same transaction and with
revisions of their own: a revision of a bundle says all that an order of it has to know.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, pairwise

import msgspec

from kameng.catalogue.checking import wrong
from kameng.catalogue.errors import BadSku
from kameng.catalogue.forms import joined
from kameng.catalogue.model import SHARES_E4, Part, Sku
from kameng.kit import money
from kameng.kit.money import MINOR_E4

WHOLE_E4 = 1_000_000
"""100 %, as ``discount_percent_e4`` counts: in 1/10,000 of a percent."""

Change = tuple[Sku | None, Sku]
"""A SKU before and after; before it there was none, if it is new."""


class WantedPart(msgspec.Struct, frozen=True):
    """A part as it is asked for. ``share_e4`` in 1/10,000 of the bundle's price; 0: a gift; None, for all that are no
    gifts: by their list prices."""

    sku_id: int
    quantity: int = 1
    share_e4: int | None = None


def with_parts(
    bundle: Sku, wanted: Sequence[WantedPart], skus: Mapping[int, Sku], *, discount_percent_e4: int | None
) -> Sku:
    """The bundle made of these; ``BadSku`` if that is no bundle."""
    if bundle.kind != "bundle":
        raise wrong("kind", "only a bundle has parts", "只有组合商品（bundle）有组成内容")
    if not wanted:
        raise wrong("parts", "at least one", "至少一项")
    for one in wanted:
        part = skus.get(one.sku_id)
        if part is None or part.kind == "bundle" or not one.quantity >= 1:
            raise wrong(
                "parts", f"{one.sku_id} × {one.quantity}: a SKU that is no bundle, at least one of it",
                f"{one.sku_id} × {one.quantity}：须为非组合商品，且至少一件",
            )  # fmt: skip
    parts = tuple(
        Part(one.sku_id, one.quantity, share_e4) for one, share_e4 in zip(wanted, _shares(wanted, skus), strict=True)
    )
    return msgspec.structs.replace(bundle, parts=parts, discount_percent_e4=discount_percent_e4)


def _shares(wanted: Sequence[WantedPart], skus: Mapping[int, Sku]) -> list[int]:
    """As they were asked for, or by the list prices: each border between two parts rounded down, so that the shares
    together are the whole."""
    said = [one.share_e4 for one in wanted if one.share_e4 is not None]
    if any(said):
        if len(said) < len(wanted):
            raise wrong("parts", "a share for each, or for none", "份额须全部填写或全部不填")
        return said
    worth = [0 if one.share_e4 == 0 else skus[one.sku_id].list_price_e4 * one.quantity for one in wanted]
    borders = [0, *accumulate(worth)]
    if not borders[-1]:
        return worth  # gifts alone, which the check of shares refuses
    return [SHARES_E4 * end // borders[-1] - SHARES_E4 * start // borders[-1] for start, end in pairwise(borders)]


def followed(sku: Sku, skus: Mapping[int, Sku]) -> Sku:
    """The bundle as its parts are; any other SKU as it is."""
    if not sku.parts:
        return sku
    named = [(part, skus[part.sku_id]) for part in sku.parts]
    list_price_e4 = sku.list_price_e4
    if sku.discount_percent_e4 is not None:
        list_price_e4 = _discounted(sku.discount_percent_e4, named)
    return msgspec.structs.replace(
        sku,
        parts=tuple(
            Part(part.sku_id, part.quantity, part.share_e4, now.revision, now.kind, now.form, now.cost_e4, now.on_sale)
            for part, now in named
        ),
        form=joined(now.form for _, now in named),
        cost_e4=sum(now.cost_e4 * part.quantity for part, now in named),
        list_price_e4=list_price_e4,
    )


def _discounted(discount_percent_e4: int, named: Iterable[tuple[Part, Sku]]) -> int:
    """Gifts add nothing to it."""
    whole_e4 = sum(now.list_price_e4 * part.quantity for part, now in named if part.share_e4)
    return -(-whole_e4 * (WHOLE_E4 - discount_percent_e4) // (WHOLE_E4 * MINOR_E4)) * MINOR_E4


def with_bundles(changes: Sequence[Change], skus: Mapping[int, Sku]) -> list[Change]:
    """The changes of SKUs, and what follows from them for bundles. What changes nothing is left out."""
    by_id = {new.sku_id: (old, new) for old, new in changes if old is not None}
    changed = {
        sku_id: msgspec.structs.replace(new, revision=old.revision + 1)
        for sku_id, (old, new) in by_id.items()
        if new != old
    }
    after = {**skus, **changed}
    for sku_id, before in skus.items():
        bundle = by_id[sku_id][1] if sku_id in by_id else before
        if bundle.parts and (sku_id in by_id or any(part.sku_id in changed for part in bundle.parts)):
            by_id[sku_id] = (before, followed(bundle, after))
    fresh: list[Change] = [change for change in changes if change[0] is None]
    return fresh + [(old, new) for old, new in by_id.values() if new != old]


def check_change(old: Sku, new: Sku, skus: Mapping[int, Sku]) -> None:
    """``BadSku`` if a bundle would be none any more, or a bundle's part one."""
    if old.parts and new.kind != "bundle":
        raise wrong("kind", "what has parts stays a bundle", "已有组成内容的组合商品不能改为其他类型")
    if new.kind == "bundle" and (bundle := bundle_of(old.sku_id, skus)):
        raise wrong("kind", f"it is a part of {bundle}", f"该商品是组合商品 {bundle} 的组成内容")


def check_follows(bundle: Sku, changes: Mapping[str, object]) -> None:
    """``BadSku`` if what follows from the parts would be set by hand."""
    names = ["cost_e4", "form"] if bundle.parts else []
    if bundle.parts and bundle.discount_percent_e4 is not None:
        names.append("list_price_e4")
    for name in names:
        if name in changes and changes[name] != getattr(bundle, name):
            raise wrong(name, "it follows from the parts", "随组成内容而定，不能单独修改")


def bundle_of(sku_id: int, skus: Mapping[int, Sku]) -> int | None:
    """Some bundle that this SKU is a part of."""
    return next((sku.sku_id for sku in skus.values() if any(part.sku_id == sku_id for part in sku.parts)), None)


def share_of(text: str) -> int:
    """``60`` or ``33.34`` percent as a share; ``BadSku`` if it is none."""
    try:
        share_e4, rest = divmod(money.parse_e4(text), 100)
    except ValueError:
        rest, share_e4 = 1, 0
    if rest or not 0 < share_e4 <= SHARES_E4:
        raise BadSku("parts: a share is a percentage with at most two places", field="parts",
                     detail_zh="组成内容：份额应为最多两位小数的百分数")  # fmt: skip
    return share_e4
