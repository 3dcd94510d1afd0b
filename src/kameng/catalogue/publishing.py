"""Publishing: bringing SKUs into the catalogue and changing them, each change a revision that stands for ever.

Every change of list price, cost, floor or ceiling is a row of the log of price changes (调价记录), and whoever changed
something left an audit line: all in the transaction that did it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from typing import Any

import msgspec

from kameng.catalogue import store
from kameng.catalogue.bundling import Change, WantedPart, check_change, check_follows, with_bundles, with_parts
from kameng.catalogue.checking import check_sku
from kameng.catalogue.errors import BadSku, UnknownSku
from kameng.catalogue.model import CHANGEABLE, PRICES, Sku, changes_of
from kameng.catalogue.reading import CatalogueRow, RefusedRow, read_catalogue, refused_by
from kameng.kit import audit, clock, epochs, lanes
from kameng.kit.db import Connection, Database

Making = Callable[[Sku, Mapping[int, Sku]], Sku]
"""What becomes of a SKU, among all there are."""


class ImportReport(msgspec.Struct, frozen=True):
    """``bundles`` are those among the rows that are in and paused: they have no parts yet."""

    created: int
    changed: int
    unchanged: int
    refused: tuple[RefusedRow, ...]
    bundles: int = 0


def demo_catalogue() -> bytes:
    """The demo goods that come with Kameng: 176 SKUs of a believable Chinese platform."""
    return resources.files("kameng.catalogue").joinpath("demo", "catalogue.csv").read_bytes()


async def import_file(db: Database, data: bytes, *, actor_id: int = 0) -> ImportReport:
    """Bring a catalogue file in, all readable rows in one transaction; the same file again changes nothing."""
    async with db.connection() as connection:
        await store.learn_all_forms(connection)
    file = read_catalogue(data)
    async with db.transaction() as connection:
        epoch = await epochs.bump(connection, "catalogue")
        skus = {sku.sku_id: sku for sku in await store.changed_skus(connection, -1)}
        changes, fine, refused = _plan(file.rows, skus)
        if fine:
            await store.upsert_names(connection, fine)
        for old, new in changes:
            await (store.insert_sku if old is None else store.set_sku)(connection, new, changed=epoch)
        created = sum(old is None for old, _ in changes)
        same = len(fine) - len({_name(row) for row in fine} & {_name(new) for _, new in changes})
        if changes:
            counts = {"created": created, "changed": len(changes) - created, "epoch": epoch}
            await keep(connection, epoch, changes, [("catalogue.import", 0, counts)], actor_id)
    return ImportReport(
        created, len(changes) - created, same,
        tuple(sorted((*file.refused, *refused), key=lambda row: row.line)), _without_parts(fine, skus),
    )  # fmt: skip


async def change_sku(db: Database, sku: Sku, *, actor_id: int = 0) -> Sku:
    """Put a changed SKU in place; orders decided from now on follow it."""
    return await set_sku(db, sku.sku_id, {name: getattr(sku, name) for name in CHANGEABLE}, actor_id=actor_id)


async def set_sku(db: Database, sku_id: int, changes: dict[str, Any], *, actor_id: int = 0) -> Sku:
    """Change some of what may change of a SKU (``CHANGEABLE``), and nothing else; the SKU as it is then.

    ``BadSku`` and ``BundleWithoutParts`` name the field; then nothing changed.
    """
    assert changes.keys() <= set(CHANGEABLE), changes

    def make(old: Sku, _: Mapping[int, Sku]) -> Sku:
        check_follows(old, changes)
        return msgspec.structs.replace(old, **changes)

    return await _change(db, sku_id, make, actor_id)


async def set_parts(
    db: Database, sku_id: int, wanted: Sequence[WantedPart], *, discount_percent_e4: int | None = None,
    actor_id: int = 0,
) -> Sku:  # fmt: skip
    """Say what a bundle is made of, and by what discount its list price follows that, if it does; the bundle then."""

    def make(old: Sku, skus: Mapping[int, Sku]) -> Sku:
        return with_parts(old, wanted, skus, discount_percent_e4=discount_percent_e4)

    return await _change(db, sku_id, make, actor_id)


async def _change(db: Database, sku_id: int, make: Making, actor_id: int) -> Sku:
    """Change one SKU and the bundles that it is a part of."""
    async with db.transaction() as connection:
        epoch = await epochs.bump(connection, "catalogue")
        skus = {sku.sku_id: sku for sku in await store.changed_skus(connection, -1)}
        old = skus.get(sku_id)
        if old is None:
            raise UnknownSku(str(sku_id), field="sku")
        changed = make(old, skus)
        await store.learn_forms(connection, [changed.form])
        check_sku(changed)
        check_change(old, changed, skus)
        changes = with_bundles([(old, changed)], skus)
        if not changes:
            return old
        for _, new in changes:
            check_sku(new)
            await store.set_sku(connection, new, changed=epoch)
        said = {name: msgspec.to_builtins(pair) for name, pair in changes_of(*_of(sku_id, changes)).items()}
        kept = await keep(connection, epoch, changes, [("sku.set", sku_id, said)], actor_id)
    return next(sku for sku in kept if sku.sku_id == sku_id)


def _of(sku_id: int, changes: Sequence[Change]) -> tuple[Sku, Sku]:
    """The change of this SKU."""
    return next((old, new) for old, new in changes if old is not None and new.sku_id == sku_id)


def _plan(
    rows: Sequence[CatalogueRow], skus: Mapping[int, Sku]
) -> tuple[list[Change], list[CatalogueRow], list[RefusedRow]]:
    """What the rows change, which of them are fine, and which contradict what their SKU is already."""
    known = {_name(sku): sku for sku in skus.values()}
    changes: list[Change] = []
    fine, refused = [], []
    for row in rows:
        old = known.get(_name(row))
        new = _merged(old or _fresh(row), row)
        try:
            check_sku(new)
            if old is not None:
                check_change(old, new, skus)
        except BadSku as refusal:
            refused.append(refused_by(row, refusal))
            continue
        fine.append(row)
        if new != old:
            changes.append((old, new))
    return with_bundles(changes, skus), fine, refused


def _name(one: Sku | CatalogueRow) -> tuple[str, str, str]:
    """What tells SKUs apart."""
    return one.brand, one.product, one.spec


def _without_parts(rows: Sequence[CatalogueRow], skus: Mapping[int, Sku]) -> int:
    made = {_name(sku) for sku in skus.values() if sku.parts}
    return sum(row.kind == "bundle" and _name(row) not in made for row in rows)


def _fresh(row: CatalogueRow) -> Sku:
    """A new SKU, as one is of which nothing is said."""
    return Sku(
        sku_id=0, revision=1, scene=row.scene, brand=row.brand, product=row.product, spec=row.spec, kind=row.kind,
        face_value_e4=0, face_currency="CNY", cost_e4=0, list_price_e4=1, floor_e4=None, ceiling_e4=None,
        below_cost_allowed=False, form="", region="全国", note="", quantity_min=1, quantity_max=100, quantity_step=1,
        refundable=False, reversible=False, state="on_sale",
    )  # fmt: skip


def _merged(sku: Sku, row: CatalogueRow) -> Sku:
    return msgspec.structs.replace(
        sku, kind=row.kind, face_value_e4=row.face_value_e4, face_currency=row.face_currency, cost_e4=row.cost_e4,
        list_price_e4=row.list_price_e4, form=row.form, region=row.region, note=row.note,
        state="paused" if row.kind == "bundle" and sku.state == "on_sale" and not sku.parts else sku.state, **row.more,
    )  # fmt: skip


async def keep(
    connection: Connection, epoch: int, changes: Sequence[Change], acts: Sequence[tuple[str, int, dict[str, Any]]],
    actor_id: int,
) -> list[Sku]:  # fmt: skip
    """The new revisions, the price log, and at last, under a gate held for that alone, the audit lines."""
    at = clock.now()
    kept = await store.changed_skus(connection, epoch - 1)
    await store.keep_revisions(connection, at, kept)
    prices = [
        (new.sku_id, what, getattr(old, name), getattr(new, name))
        for old, new in changes
        if old is not None
        for what, name in PRICES.items()
        if getattr(old, name) != getattr(new, name)
    ]
    if prices:
        await store.log_price_changes(connection, at, actor_id, prices)
    lane = (await lanes.lane_numbers(connection))[0]  # goods have no lane: the first keeps what is noted of them
    passage = await lanes.pass_gate(connection, lane, id_count=len(acts))
    lines = [
        audit.Line(audit_id, 0, actor_id, act, subject_id, data)
        for audit_id, (act, subject_id, data) in zip(passage.ids, acts, strict=True)
    ]
    await audit.note(connection, lane, at, lines)
    return kept
