"""The catalogue's statements, one thin function each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from kameng.catalogue import forms
from kameng.catalogue.forms import Field
from kameng.catalogue.model import Catalogue, DeskForm, Part, PriceRun, Repricing, Sku
from kameng.catalogue.reading import CatalogueRow
from kameng.kit import sql
from kameng.kit.db import Connection

statements = sql.load("kameng.catalogue")


async def load(connection: Connection, known: Catalogue | None, epoch: int) -> Catalogue:
    """The snapshot at ``epoch``, from a known one and what changed since."""
    if known is not None and known.epoch >= epoch:
        return known
    if known is None:
        await learn_all_forms(connection)
    changed = await changed_skus(connection, -1 if known is None else known.epoch)
    skus = {} if known is None else dict(known.skus)
    skus.update({sku.sku_id: sku for sku in changed})
    return Catalogue(epoch, skus)


class Change(msgspec.Struct, frozen=True):
    """A SKU's latest change: its place in the feed is (epoch, SKU)."""

    epoch: int
    sku_id: int
    at: datetime


async def list_changes(connection: Connection, *, after: tuple[int, int], limit: int) -> list[Change]:
    """What changed after a place in the feed; (-1, 0) is before everything."""
    return [Change(*row) for row in await connection.fetch(statements.list_changes, *after, limit)]


async def changed_skus(connection: Connection, since_epoch: int) -> list[Sku]:
    rows = await connection.fetch(statements.changed_skus, since_epoch)
    await learn_forms(connection, (row["form"] for row in rows))
    return [_sku(*row) for row in rows]


def _sku(*columns: Any) -> Sku:
    *facts, parts = columns
    facts.append(msgspec.convert(parts, tuple[Part, ...]) if parts else ())
    return Sku(*facts)


async def upsert_names(connection: Connection, rows: Sequence[CatalogueRow]) -> None:
    """Scenes, brands and products that the rows name."""
    await connection.execute(statements.upsert_scenes, _unique(row.scene for row in rows))
    await connection.execute(statements.upsert_brands, _unique(row.brand for row in rows))
    products = list(dict.fromkeys((row.scene, row.brand, row.product) for row in rows))
    await connection.execute(statements.upsert_products, *[list(column) for column in zip(*products, strict=True)])


async def insert_sku(connection: Connection, sku: Sku, *, changed: int) -> None:
    """A new SKU of a product that is there; its id is given by the database."""
    await connection.execute(statements.insert_sku, sku.brand, sku.product, msgspec.to_builtins(sku), changed)


async def set_sku(connection: Connection, sku: Sku, *, changed: int) -> None:
    await connection.execute(statements.set_sku, sku.sku_id, msgspec.to_builtins(sku), changed)


async def log_price_changes(
    connection: Connection, at: datetime, actor_id: int, changes: Sequence[tuple[int, str, int | None, int | None]]
) -> None:
    """(sku, what, before, after) each."""
    columns = [list(column) for column in zip(*changes, strict=True)]
    await connection.execute(statements.log_price_changes, at, actor_id, *columns)


async def keep_revisions(connection: Connection, at: datetime, skus: Sequence[Sku]) -> None:
    await connection.execute(
        statements.keep_revisions, at,
        [sku.sku_id for sku in skus], [sku.revision for sku in skus], [msgspec.to_builtins(sku) for sku in skus],
    )  # fmt: skip


async def read_revisions(connection: Connection, wanted: Iterable[tuple[int, int]]) -> dict[tuple[int, int], Sku]:
    """SKUs as they were, by (sku id, revision)."""
    pairs = list(wanted)
    rows = await connection.fetch(statements.read_revisions, [p[0] for p in pairs], [p[1] for p in pairs])
    found = {(row["sku_id"], row["revision"]): msgspec.convert(row["snapshot"], Sku) for row in rows}
    await learn_forms(connection, (sku.form for sku in found.values()))
    return found


# runs of prices ----------------------------------------------------------------------------------------------


async def insert_price_run(connection: Connection, run: PriceRun) -> None:
    prices = [[str(sku_id), before_e4, after_e4] for sku_id, before_e4, after_e4 in run.prices]
    await connection.execute(
        statements.insert_price_run, run.run_id, run.at, run.actor_id, run.reason, msgspec.to_builtins(run.rule), prices
    )


async def read_price_run(connection: Connection, run_id: int) -> PriceRun | None:
    row = await connection.fetchrow(statements.read_price_run, run_id)
    return None if row is None else _price_run(row)


async def price_runs(connection: Connection, limit: int) -> list[PriceRun]:
    return [_price_run(row) for row in await connection.fetch(statements.price_runs, limit)]


async def undo_price_run(connection: Connection, run_id: int, at: datetime, actor_id: int) -> None:
    await connection.execute(statements.undo_price_run, run_id, at, actor_id)


def _price_run(row: Any) -> PriceRun:
    prices = [(int(sku_id), before_e4, after_e4) for sku_id, before_e4, after_e4 in row["prices"]]
    return PriceRun(row[0], row[1], row[2], row[3], msgspec.convert(row["rule"], Repricing), prices, row[6], row[7])


# forms made at the desk --------------------------------------------------------------------------------------


async def learn_forms(connection: Connection, names: Iterable[str]) -> None:
    """Read the forms among these that this process does not know yet; nothing is asked where there are none."""
    unknown = forms.unknown_of(names)
    if unknown:
        await _learn(connection, await connection.fetch(statements.read_forms, sorted(unknown)))


async def learn_all_forms(connection: Connection) -> None:
    await _learn(connection, await connection.fetch(statements.all_forms))


async def _learn(connection: Connection, rows: Iterable[Any]) -> None:
    groups = {row["name"]: tuple(row["fields"]) for row in rows if row["name"] not in forms.GROUPS}
    wanted = sorted({name for names in groups.values() for name in names if name not in forms.FIELDS})
    found = await connection.fetch(statements.read_fields, wanted) if wanted else []
    if groups:
        forms.learn([msgspec.convert(row["spec"], Field) for row in found], groups)


async def all_forms(connection: Connection) -> list[DeskForm]:
    rows = await connection.fetch(statements.all_forms)
    return [DeskForm(row[0], row[1], tuple(row[2]), row[3], row[4]) for row in rows]


async def insert_form(connection: Connection, form: DeskForm) -> bool:
    """False if its name is taken."""
    return await connection.fetchval(
        statements.insert_form, form.name, form.title, list(form.fields), form.made_at, form.made_by
    ) is not None  # fmt: skip


async def insert_field(connection: Connection, field: Field) -> bool:
    return await connection.fetchval(statements.insert_field, field.name, msgspec.to_builtins(field)) is not None


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
