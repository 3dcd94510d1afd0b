"""Licences and authorisations: handed in with a sealed file, decided once, spoken of before they end."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec
import pytest

from kameng import documents
from kameng.documents import BadDocument, Document, DocumentDecided, Draft, NoSuchDocument, State
from kameng.documents.model import due_reminder, file_name_of
from kameng.kit import audit, blobs, clock
from kameng.kit.crypto import KeyMaterial, KeyRing
from laws.world import Merchant, World

PDF = b"%PDF-1.7\n" + b"licence of the house\n" * 30_000  # three pieces
STAFF = 77
TODAY_MS = clock.china_start_ms(date(2027, 3, 1))
DRAFT = Draft("brand_authorisation", "SQ-2027-001", "网易", date(2027, 1, 1), date(2027, 3, 31), ("网易",))


async def hand_in(world: World, one: Merchant, draft: Draft = DRAFT, content: bytes = PDF) -> Document:
    return await documents.submit(
        world.db, world.ring, one.caller.organisation, draft, content, file_name="C:\\证照\\授权.html", actor_id=5
    )


async def acts(world: World, document_id: int) -> list[str]:
    lines = await audit.read(world.db, audit.Asked(subject_id=document_id), before_id=1 << 62, limit=50)
    return [line.act for line in reversed(lines)]


async def test_it_waits_is_read_and_decided_once(world: World) -> None:
    supplier = await world.merchant(kind="supplier", money_e4=0)
    with clock.hold(TODAY_MS):
        waits = await hand_in(world, supplier)
        assert (waits.state, waits.file_name, waits.media_type) == ("waiting", "授权.pdf", "application/pdf")
        assert [one.document_id for one in await documents.list_waiting(world.db)] == [waits.document_id]
        file = await documents.read_file(world.db, world.ring, waits.document_id, actor_id=STAFF)
        assert (file.content, file.name) == (PDF, "授权.pdf")
        good = await documents.decide(world.db, waits.document_id, accept=True, actor_id=STAFF)
        assert (good.state, good.reviewed_by, good.is_good_on(date(2027, 3, 31))) == ("accepted", STAFF, True)
        assert not good.is_good_on(date(2027, 4, 1))
        with pytest.raises(DocumentDecided):
            await documents.decide(world.db, waits.document_id, accept=False, reason="不清楚", actor_id=STAFF)
    assert await documents.list_waiting(world.db) == []
    assert await acts(world, waits.document_id) == ["document.submit", "document.read", "document.decide"]
    await world.assert_clean()


async def test_its_file_lies_in_sealed_pieces_and_survives_a_rotation(world: World) -> None:
    supplier = await world.merchant(kind="supplier", money_e4=0)
    with clock.hold(TODAY_MS):
        waits = await hand_in(world, supplier)
    pieces = [row["sealed"] for row in await world.rows("SELECT sealed FROM blob_piece ORDER BY piece_id")]
    assert len(pieces) == 3
    assert not any(b"licence" in sealed for sealed in pieces)
    old = KeyMaterial(1, {1: b"1" * 32}, b"h" * 32)
    both = KeyRing(msgspec.structs.replace(old, current=2, keys={**old.keys, 2: b"2" * 32}))
    async with world.db.transaction() as connection:
        await connection.execute("DELETE FROM blob_piece")
    await blobs.put(world.db, KeyRing(old), waits.document_id, PDF)
    assert await blobs.reseal(world.db, both, waits.lane) == 3
    only_new = KeyRing(KeyMaterial(2, {2: b"2" * 32}, b"h" * 32))
    assert await blobs.read(world.db, only_new, waits.document_id) == PDF


async def test_nobody_else_finds_it(world: World) -> None:
    supplier, other = [await world.merchant(kind="supplier", money_e4=0) for _ in range(2)]
    with clock.hold(TODAY_MS):
        waits = await hand_in(world, supplier)
        for verb in (
            documents.find_document(world.db, waits.document_id, org_id=other.org_id),
            documents.withdraw(world.db, other.org_id, waits.document_id, actor_id=6),
            documents.read_file(world.db, world.ring, waits.document_id, org_id=other.org_id, actor_id=6),
        ):
            with pytest.raises(NoSuchDocument):
                await verb
    assert await documents.list_documents(world.db, other.org_id) == []
    assert await acts(world, waits.document_id) == ["document.submit"]


async def test_what_is_taken_back_is_wiped(world: World) -> None:
    supplier = await world.merchant(kind="supplier", money_e4=0)
    with clock.hold(TODAY_MS):
        waits = await hand_in(world, supplier)
        gone = await documents.withdraw(world.db, supplier.org_id, waits.document_id, actor_id=5)
    assert gone.state is State.withdrawn
    assert await world.scalar("SELECT count(*) FROM blob_piece") == 0
    with pytest.raises(DocumentDecided):
        await documents.decide(world.db, waits.document_id, accept=True, actor_id=STAFF)


@pytest.mark.parametrize(
    ("field", "draft", "content"),
    [
        ("kind", msgspec.structs.replace(DRAFT, kind="poem"), PDF),
        ("number", msgspec.structs.replace(DRAFT, number=" "), PDF),
        ("issuer", msgspec.structs.replace(DRAFT, issuer="网\x00易"), PDF),
        ("scope", msgspec.structs.replace(DRAFT, scope=()), PDF),
        ("scope", msgspec.structs.replace(DRAFT, scope=("网",) * 21), PDF),
        ("valid_until", msgspec.structs.replace(DRAFT, valid_until=date(2027, 2, 28)), PDF),
        ("file", DRAFT, b"<html><script>alert(1)</script>"),
        ("file", DRAFT, b"%PDF-" + bytes(documents.FILE_BYTES_MAX)),
        ("file", DRAFT, b""),
    ],
)
async def test_what_cannot_be_one_is_refused_and_nothing_stays(
    world: World, field: str, draft: Draft, content: bytes
) -> None:
    supplier = await world.merchant(kind="supplier", money_e4=0)
    with clock.hold(TODAY_MS), pytest.raises(BadDocument) as refused:
        await hand_in(world, supplier, draft, content)
    assert refused.value.field == field
    assert await world.scalar("SELECT count(*) FROM org_document") == 0


async def test_its_owner_and_the_staff_are_told_before_it_ends_and_once_after(world: World) -> None:
    supplier = await world.merchant(kind="supplier", money_e4=0)
    with clock.hold(TODAY_MS):
        waits = await hand_in(world, supplier)
        assert await documents.watch(world.db, waits.lane) == 0
        await documents.decide(world.db, waits.document_id, accept=True, actor_id=STAFF)
    told = []
    for day in (date(2027, 2, 28), date(2027, 3, 1), date(2027, 3, 2), date(2027, 3, 24), date(2027, 3, 31),
                date(2027, 4, 1), date(2027, 4, 9)):  # fmt: skip
        with clock.hold(clock.china_start_ms(day)):
            told.append(await documents.watch(world.db, waits.lane))
    assert told == [0, 1, 0, 1, 1, 1, 0]
    jobs = await world.rows("SELECT payload FROM job WHERE kind = 'notices.announce' ORDER BY job_id")
    shown = [(row["payload"]["org_id"], row["payload"]["topic"]) for row in jobs]
    assert shown == [
        (supplier.org_id, "document_decided"), *4 * [(supplier.org_id, "document_expiring"), (0, "document_expiring")]
    ]  # fmt: skip


async def test_of_one_that_goes_on_nobody_is_told(world: World) -> None:
    supplier = await world.merchant(kind="supplier", money_e4=0)
    later = msgspec.structs.replace(DRAFT, number="SQ-2028-001", valid_until=date(2028, 3, 31))
    with clock.hold(TODAY_MS):
        for draft in (DRAFT, later):
            one = await hand_in(world, supplier, draft)
            await documents.decide(world.db, one.document_id, accept=True, actor_id=STAFF)
        assert await documents.watch(world.db, one.lane) == 0


async def test_what_never_came_whole_goes(world: World) -> None:
    supplier = await world.merchant(kind="supplier", money_e4=0)
    with clock.hold(TODAY_MS):
        one = await hand_in(world, supplier)
    await world.rows("UPDATE org_document SET state = 'arriving'")
    with clock.hold(TODAY_MS + 30 * 60_000):
        await documents.watch(world.db, one.lane)
    assert await world.scalar("SELECT count(*) FROM blob_piece") == 3
    with clock.hold(TODAY_MS + int(timedelta(hours=2).total_seconds()) * 1000):
        await documents.watch(world.db, one.lane)
    assert await world.scalar("SELECT (SELECT count(*) FROM blob_piece) + (SELECT count(*) FROM org_document)") == 0


@pytest.mark.parametrize(
    ("days_left", "reminded", "due"),
    [(31, None, None), (30, None, 30), (29, 30, None), (7, 30, 7), (3, None, 7), (1, 7, 1), (0, 1, None), (-1, 1, 0),
     (-40, None, 0), (-2, 0, None)],
)  # fmt: skip
def test_when_a_reminder_is_due(days_left: int, reminded: int | None, due: int | None) -> None:
    assert due_reminder(days_left, reminded) == due


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd.pdf"),
        ('a"b<c>.exe', "abc.pdf"),
        ("", "document.pdf"),
        ("证" * 200, "证" * 96 + ".pdf"),
    ],
)
def test_names_of_files_are_harmless(name: str, shown: str) -> None:
    assert file_name_of(name, "application/pdf") == shown
