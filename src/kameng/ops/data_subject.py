"""What is known of one person: exported to a file, or erased. For people who ask, and for whoever must answer them.

Somebody is named by his number as a user, or by what his orders were for: a phone, an e-mail, an account, an identity
number. A user's sign-in finds his orders too. Money, orders and audit lines are kept by law and stay; what says who it
was goes. Backups are not touched: they are pruned.
"""

from __future__ import annotations

from typing import Any

import msgspec

from kameng import access, catalogue, fulfilment, identity, orders
from kameng.identity import Person
from kameng.kit import audit, clock, crypto, lanes, money, privacy
from kameng.kit.db import Database
from kameng.kit.privacy import DataClass
from kameng.ops import store

AUDIT_LANE = 0
"""A person belongs to no lane; every platform has this one."""


SIGN_INS_MAX = 10_000


class Subject(msgspec.Struct, frozen=True):
    """Who it is about: a user, what orders were for, or both."""

    person: Person | None
    text: str  # what finds his orders; "" if nothing does
    data_class: DataClass

    @property
    def masked(self) -> str:
        return privacy.mask(self.data_class, self.text) if self.text else ""

    def marks(self, ring: crypto.KeyRing) -> list[bytes]:
        return catalogue.marks_of_text(ring, self.text, (self.data_class,)) if self.text else []


class Erased(msgspec.Struct, frozen=True):
    """What was done now; a second time finds nothing to do."""

    orders: int
    person: bool


async def subject_of_person(db: Database, person_id: int) -> Subject:
    """``NoSuchPerson`` if there is none."""
    return _of_person(await identity.find_person(db, person_id))


async def subject_of(db: Database, data_class: DataClass, text: str) -> Subject:
    """Whoever this belongs to, user or not."""
    if data_class in ("phone", "email"):  # what people sign in with
        for spelled in catalogue.spellings(data_class, text):
            if person := await identity.find_by_sign_in(db, spelled):
                return _of_person(person)
            text = spelled
    return Subject(None, text, data_class)


def _of_person(person: Person) -> Subject:
    erased = person.sign_in == identity.erased_sign_in(person.person_id)
    return Subject(person, "" if erased else person.sign_in, "email" if "@" in person.sign_in else "phone")


async def export(
    db: Database, ring: crypto.KeyRing, subject: Subject, *, reason: str, actor_id: int = 0
) -> dict[str, Any]:
    """All that is known of him, for JSON; leaves an audit line that says how many orders were shown, and no more."""
    orders.check_reason(reason, [subject.text])
    async with db.connection() as connection:
        numbers = await lanes.lane_numbers(connection)
    bought: list[orders.TargetOrder] = []
    came: dict[int, list[dict[str, Any]]] = {}
    for lane in numbers:
        rows = [row async for row in orders.every_marked(db, lane, subject.marks(ring))]
        bought += [orders.target_order(row, _opened(ring, row.order_id, row.account)) for row in rows]
        came |= await _came_by_hand(db, ring, lane, [row.order_id for row in rows])
    person = subject.person
    person_id = 0 if person is None else person.person_id
    lines: list[Any] = []
    if person is not None:
        async with db.connection() as connection:
            lines = await store.audit_lines_about(connection, numbers, person_id)
    found = {
        "made_at": clock.now(),
        "of": subject.masked or str(person_id),
        "person": None if person is None else await _told(db, person),
        "orders": [_order(one, came.get(one.order_id, [])) for one in sorted(bought, key=lambda one: one.placed_at)],
        "sign_ins": [] if person is None else await _sign_ins(db, person_id),
        "audit_lines": [{"at": row["at"], "act": row["act"], "data": row["data"]} for row in lines],
    }
    data = {"orders": len(bought), "reason": reason}
    await _note(db, "person.export", person_id, data, actor_id)
    return found


async def erase(db: Database, ring: crypto.KeyRing, subject: Subject, *, reason: str, actor_id: int = 0) -> Erased:
    """Remove who it was from orders and users; ``orders.OrdersRunning`` if one of them is not final, and nothing is
    done. Orders go first: cut off in between, it is finished by doing it again."""
    orders.check_reason(reason, [subject.text])
    await _erase_answers(db, subject.marks(ring))
    order_count = await orders.erase_accounts(db, ring, subject.marks(ring), reason=reason, actor_id=actor_id)
    person = subject.person
    is_done = person is not None and await identity.erase_person(db, person.person_id, reason=reason, actor_id=actor_id)
    if person is not None:
        await access.forget_person(db, person.person_id)
    return Erased(order_count, is_done)


def _opened(ring: crypto.KeyRing, order_id: int, sealed: bytes | None) -> dict[str, str] | None:
    """None where it is gone, or does not open: the file says so, and the other orders are told."""
    try:
        return None if sealed is None else orders.shown_in_clear(orders.open_account(ring, order_id, sealed))
    except crypto.Unsealable:
        return None


async def _came_by_hand(
    db: Database, ring: crypto.KeyRing, lane: int, order_ids: list[int]
) -> dict[int, list[dict[str, Any]]]:
    """What people answered to these orders: their words, and how many cards and images there are."""
    if not order_ids:
        return {}
    async with db.connection() as connection:
        rows = await fulfilment.answers_of(connection, lane, order_ids)
    found: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        for goods in fulfilment.open_answers(ring, [row]):
            told = {"part": goods.part_no, "text": goods.text, "cards": len(goods.cards), "image": goods.media_type}
            found.setdefault(row.order_id, []).append(told)
    return found


async def _erase_answers(db: Database, marks: list[bytes]) -> None:
    """What people answered goes first, for afterwards nothing finds these orders; not if one of them is running, for
    then nothing is done."""
    async with db.connection() as connection:
        numbers = await lanes.lane_numbers(connection)
    rows = [row for lane in numbers async for row in orders.every_marked(db, lane, marks)]
    if all(row.state in orders.FINAL for row in rows):
        await fulfilment.erase_answers(db, [row.order_id for row in rows])


def _order(one: orders.TargetOrder, answers: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": str(one.order_id), "organisation": str(one.org_id), "client_ref": one.client_ref,
        "sku": str(one.sku_id), "quantity": one.quantity, "total": money.format_e4(one.total_e4), "state": one.state,
        "placed_at": one.placed_at, "account": one.account, "answers": answers,
    }  # fmt: skip


async def _told(db: Database, person: Person) -> dict[str, Any]:
    roles = await identity.memberships(db, person.person_id)
    return {
        "id": str(person.person_id), "sign_in": person.sign_in, "name": person.name, "state": person.state,
        "memberships": [{"organisation": str(one.org_id), "role": one.role} for one in roles],
    }  # fmt: skip


async def _sign_ins(db: Database, person_id: int) -> list[dict[str, Any]]:
    found = await access.sign_ins(db, person_id, limit=SIGN_INS_MAX)
    return [
        {
            "at": one.at, "by": one.method, "outcome": one.outcome, "ip": one.ip, "place": one.place_zh,
            "agent": one.agent,
        }
        for one in found
    ]  # fmt: skip


async def _note(db: Database, act: str, subject_id: int, data: dict[str, Any], actor_id: int) -> None:
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, AUDIT_LANE, id_count=1)
        line = audit.Line(passage.ids[0], 0, actor_id, act, subject_id, data)
        await audit.note(connection, AUDIT_LANE, clock.now(), [line])
