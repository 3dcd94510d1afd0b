"""Guests: what they leave instead of an account, and how they find their order with a query password.

A contact is sealed. A password is kept as scrypt of it (N 2^14, r 8, p 1: 16 MiB and some 50 ms a guess), and every
guess is counted before it is looked at, so that a hundred at once are a hundred; after three wrong ones in a row the
next is let in after 1, 2, 4 … seconds, an hour at most.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
from datetime import datetime, timedelta

import msgspec

from kameng import notices
from kameng.kit import audit, clock, crypto, ids, lanes
from kameng.kit.db import Database
from kameng.orders import parts_store, store
from kameng.orders.errors import BadGuest, OrderNotFound, TooManyGuesses
from kameng.orders.model import ShownOrder
from kameng.orders.showing import any_open, open_cards, secrets_visible, show

CONTACT, BUYER, IP = b"contact", b"buyer", b"ip"
"""What a guest's contact is sealed as, and what buyers and addresses are known by."""

FREE_GUESSES = 3
WAIT_MAX_S = 3600
PASSWORD_CHARS = range(6, 101)
CONTACT_CHARS_MAX = 100
_COST, _BLOCK, _PARALLEL = 1 << 14, 8, 1
_SALT_BYTES = 16


class Guest(msgspec.Struct, frozen=True):
    """Who buys without an account; ``repr`` shows neither."""

    contact: bytes  # normalised: a phone number or an address
    password: str
    language: str = "both"  # of what he is told

    def __repr__(self) -> str:
        return "Guest(…)"


def guest_from(contact: str, password: str, *, language: str = "both") -> Guest:
    """``BadGuest`` with the field that can't be."""
    normal = contact.strip().casefold()
    if not (normal and len(normal) <= CONTACT_CHARS_MAX and normal.isprintable()):
        raise BadGuest(
            f"1 to {CONTACT_CHARS_MAX} visible characters", field="contact",
            detail_zh=f"联系方式：应为 1 至 {CONTACT_CHARS_MAX} 个可见字符",
        )  # fmt: skip
    if len(password) not in PASSWORD_CHARS:
        least, most = PASSWORD_CHARS[0], PASSWORD_CHARS[-1]
        raise BadGuest(
            f"{least} to {most} characters", field="password", detail_zh=f"查询密码：应为 {least} 至 {most} 个字符"
        )
    if language not in notices.LANGUAGES:
        choice = ", ".join(notices.LANGUAGES)
        raise BadGuest(f"one of {choice}", field="language", detail_zh=f"语言：应为 {choice} 之一")
    return Guest(normal.encode(), password, language)


def hash_password(password: str) -> str:
    """``scrypt$N$r$p$salt$hash``, so that the cost can rise later."""
    salt = os.urandom(_SALT_BYTES)
    digest = _scrypt(password, salt, _COST, _BLOCK, _PARALLEL)
    return f"scrypt${_COST}${_BLOCK}${_PARALLEL}${salt.hex()}${digest.hex()}"


def is_password(password: str, hashed: str) -> bool:
    _, cost, block, parallel, salt, digest = hashed.split("$")
    found = _scrypt(password, bytes.fromhex(salt), int(cost), int(block), int(parallel))
    return hmac.compare_digest(found, bytes.fromhex(digest))


def _scrypt(password: str, salt: bytes, cost: int, block: int, parallel: int) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=cost, r=block, p=parallel, maxmem=64 << 20, dklen=32)


async def find_as_guest(db: Database, ring: crypto.KeyRing, order_id: int, password: str) -> ShownOrder:
    """A guest's order with its cards, for whoever knows its number and its password.

    ``OrderNotFound`` says neither which of them was wrong nor whether there is such an order.
    """
    lane = ids.lane_of(order_id)
    hashed = await _count_guess(db, lane, order_id)
    right = await asyncio.to_thread(is_password, password, hashed or _NOBODYS)
    if hashed is None or not right:
        raise OrderNotFound
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=1)
        standing = (await store.read_standing(connection, lane, [order_id]))[order_id]
        rows = await store.read_orders(connection, lane, [order_id], [standing.org_id])
        at = clock.now()
        parts = await parts_store.read_parts(connection, lane, [order_id])
        cards = {}
        if secrets_visible(rows[order_id], at, parts.get(order_id, ())):
            cards = await open_cards(connection, ring, lane, list(rows.values()))
        shown = cards.get(order_id, ())
        if any_open(shown):
            line = audit.Line(passage.ids[0], standing.org_id, 0, "order.reveal_to_guest", order_id)
            await audit.note(connection, lane, at, [line])
        await store.forget_guesses(connection, lane, order_id)
    return show(rows[order_id], standing.currency, shown, parts=parts.get(order_id, ()))


async def _count_guess(db: Database, lane: int, order_id: int) -> str | None:
    """The hash to compare with; None if there is no such guest. ``TooManyGuesses`` before it is time for another."""
    async with db.connection() as connection:  # an order that nobody has may name a lane that there is not
        if await store.read_guesses(connection, lane, order_id) is None:
            return None
    async with db.transaction() as connection:
        await lanes.pass_gate(connection, lane)
        found = await store.read_guesses(connection, lane, order_id)
        assert found is not None
        now = clock.now()
        if found.asked_at is not None and now < next_guess_at(found.failures, found.asked_at):
            raise TooManyGuesses
        await store.count_guess(connection, lane, order_id, now)
    return found.password_hash


def next_guess_at(failures: int, asked_at: datetime) -> datetime:
    """When the next guess is let in."""
    beyond = failures - FREE_GUESSES
    return asked_at + timedelta(seconds=0 if beyond < 0 else min(1 << min(beyond, 20), WAIT_MAX_S))


_NOBODYS = f"scrypt${_COST}${_BLOCK}${_PARALLEL}${'00' * _SALT_BYTES}${'00' * 32}"
"""Compared with where there is no such order, so that the answer takes as long."""
