"""A buyer's bills and withdrawals, for the shop's pages and the merchant's alike.

A face has a ``Purse``: where its pages are, and the layout that they stand in. Its handlers say who may come; what
they show and do is here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from litestar import Response

from kameng import finance, ledger
from kameng.finance import Payee, Withdrawal
from kameng.identity import Organisation
from kameng.kit import clock, ids
from kameng.kit.db import Connection
from kameng.kit.errors import Refusal
from kameng.ledger import HOUSE_ACCOUNT_MAX, Posted, StatementLine
from kameng.orders import ID_MAX
from kameng.web import forms, tables
from kameng.web.answering import message_of, page, way_on
from kameng.web.errors import NoSuchPage
from kameng.web.forms import Field, Filled
from kameng.web.listing import Listed
from kameng.web.parts import AnyRequest, door_of
from kameng.web.tables import Column, Filter, Table
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

ROWS = 50
PAYEE_FIELDS = {"payee.name": "name", "payee.account": "account", "payee.bank": "bank"}
ASK = (
    Field("amount", forms.amount()), Field("method", forms.one_of("bank", "alipay")), Field("name", forms.text(50)),
    Field("account", forms.text(130)), Field("bank", forms.text(50), required=False, empty=""),
    Field("token", forms.text(64)),
)  # fmt: skip


class Purse(msgspec.Struct, frozen=True):
    """Addresses of one face's pages: of the wallet, before a bill's number, of withdrawals, before an order's; of
    recharges, if the face has them."""

    layout: str
    wallet: str
    bills: str
    withdrawals: str
    orders: str
    recharge: str = ""


# bills -------------------------------------------------------------------------------------------------------

KINDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "orders": (N_("Orders"), ("sale",)),
    "refunds": (N_("Refunds"), ("refund", "refund_part")),
    "recharges": (N_("Recharges"), ("recharge", "recharge_missing", "recharge_reversed", "bonus")),
    "withdrawals": (N_("Withdrawals"), ("withdrawal", "withdrawal_fee", "refund_withdrawal")),
    "earnings": (N_("Earnings"), ("sweep", "margin", "margin_back", "collection", "collection_refund")),
    "corrections": (
        N_("Corrections"), ("adjustment", "compensation", "goodwill", "penalty", "chargeback", "correction"),
    ),
}  # fmt: skip
"""What bills are of, as people ask for them: the ledger's codes."""
LOOKED_AT_EACH, LOOKS_MAX = 500, 4
"""A kind that is rare is looked for among so many lines, so many times; then the page says how far it looked."""
BILLS = Table(
    "bills",
    columns=(
        Column("at", N_("Time"), "own"),
        Column("code", N_("What for"), "own"),
        Column("kind", N_("State"), "own"),
        Column("about", N_("About"), "own"),
        Column("amount_e4", N_("Amount"), "own", right=True),
        Column("balance_after_e4", N_("Balance after"), "money"),
    ),
    filters=(
        Filter("kind", N_("Kind"), inline=True, choices=tuple((name, said) for name, (said, _) in KINDS.items())),
        Filter("day", N_("Day"), "days"),
    ),
    size=50,
)  # fmt: skip


class Bills(msgspec.Struct, frozen=True):
    """``looked_to``: nothing older was looked at."""

    listed: Listed
    looked_to: datetime | None = None


async def list_bills(request: AnyRequest, purse: Purse) -> Bills:
    """The wallet's lines as the address asks for them, newest first."""
    me, door = viewer_of(request).me, door_of(request)
    asked = await tables.ask(request, BILLS)
    asked.path = purse.wallet
    if not asked:
        return Bills(Listed(asked, currency=me.currency))
    first, until = asked["day"] or (None, None)
    from_id = 0 if first is None else ids.first_at(int(first.timestamp() * 1000))
    until_id = ID_MAX if until is None else ids.first_at(int(until.timestamp() * 1000))
    codes = KINDS[asked["kind"]][1] if asked["kind"] else ()
    async with door.db.connection() as connection:
        lines, looked_to = await _read_bills(
            connection, me, codes, from_id=from_id, before_id=min(asked.place or ID_MAX, until_id),
            limit=asked.limit + 1,
        )  # fmt: skip
    shown = lines[: asked.limit]
    next_id = shown[-1].transfer_id if len(lines) > len(shown) else looked_to
    at = None if looked_to is None else datetime.fromtimestamp(ids.ms_of(looked_to) / 1000, clock.CHINA)
    return Bills(Listed(asked, shown, next_id, currency=me.currency), at)


async def _read_bills(
    connection: Connection, me: Organisation, codes: Sequence[str], *, from_id: int, before_id: int, limit: int
) -> tuple[list[StatementLine], int | None]:
    """Lines of these codes, or of all; and where the look ended, if it ended before it had enough."""
    found: list[StatementLine] = []
    for _ in range(LOOKS_MAX):
        size = LOOKED_AT_EACH if codes else limit
        lines = await ledger.read_statement(connection, me.lane, me.org_id, before_id=before_id, limit=size)
        found += [one for one in lines if one.transfer_id >= from_id and (not codes or one.code in codes)]
        is_last = len(lines) < size or lines[-1].transfer_id < from_id
        if is_last or not codes or len(found) >= limit:
            return found[:limit], None
        before_id = lines[-1].transfer_id
    return found, before_id


def order_of(line: StatementLine) -> int | None:
    """The order that a line is about."""
    return line.subject_id if line.code == "sale" or line.code.startswith("refund") else None


async def show_posting(request: AnyRequest, purse: Purse, transfer_id: str) -> Response[Any]:
    """What stands behind a bill: both legs of its transfer, the hold before it, its end."""
    door, me, number = door_of(request), viewer_of(request).me, _number(transfer_id)
    async with door.db.connection() as connection:
        found = await ledger.find_posting(connection, me.lane, me.org_id, number)
    this = next((one for one in found if one.transfer_id == number), None)
    if this is None:
        raise NoSuchPage
    legs = [(one, _legs(one, me.org_id)) for one in found]
    return page(
        request, "purse/posting.html", purse=purse, this=this, legs=legs, is_order=this.code in ("sale", "refund")
    )


def _legs(one: Posted, own: int) -> list[tuple[str, str, int, int | None]]:
    """(side, whose account, amount, balance after it) each; of others' accounts the balance is none of ours."""
    sides = (
        ("debit", one.debit_account, one.debit_code, -one.amount_e4, one.debit_after_e4),
        ("credit", one.credit_account, one.credit_code, one.amount_e4, one.credit_after_e4),
    )
    return [
        (side, _named(account, code, own), amount_e4, after_e4 if account == own else None)
        for side, account, code, amount_e4, after_e4 in sides
    ]


def _named(account: int, code: str, own: int) -> str:
    """``own``, the house account's code, or ``other``."""
    return "own" if account == own else code if account <= HOUSE_ACCOUNT_MAX else "other"


# withdrawals -------------------------------------------------------------------------------------------------


async def show_withdrawals(request: AnyRequest, purse: Purse) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    try:
        before_id = ids.parse(request.query_params.get("before", ""))
    except ValueError:
        before_id = ID_MAX
    found = await finance.list_withdrawals(door.db, org_id=viewer.me.org_id, before_id=before_id, limit=ROWS + 1)
    next_id = found[ROWS - 1].withdrawal_id if len(found) > ROWS else None
    return page(request, "purse/withdrawals.html", purse=purse, found=found[:ROWS], next_id=next_id)


async def ask_withdrawal(request: AnyRequest, purse: Purse) -> Response[Any]:
    """The form of one, with a token that makes it be asked for once."""
    words = viewer_of(request).words
    return await _ask_page(request, purse, forms.blank(words, method="bank", token=forms.new_token()))


async def take_withdrawal(request: AnyRequest, purse: Purse) -> Response[Any]:
    """Asked for once: the form's token is the request's reference."""
    viewer, door = viewer_of(request), door_of(request)
    form = await forms.read(request, viewer.words, ASK)
    if form:
        payee = Payee(form["method"], form["name"], form["account"].replace(" ", ""), form["bank"])
        try:
            made = await finance.ask_withdrawal(
                door.db, door.ring, viewer.me, form["amount"], client_ref=form["token"], payee=payee,
                terms=finance.terms_of(door.settings), actor_id=viewer.person_id,
            )  # fmt: skip
        except Refusal as refusal:
            form.refused(refusal, PAYEE_FIELDS)
        else:
            said = N_("The withdrawal was asked for.")
            return way_on(request, f"{purse.withdrawals}/{made.withdrawal_id}", said=said)
    return await _ask_page(request, purse, form, status=422)


async def _ask_page(request: AnyRequest, purse: Purse, form: Filled, *, status: int = 200) -> Response[Any]:
    me, door = viewer_of(request).me, door_of(request)
    async with door.db.connection() as connection:
        wallet = (await ledger.read_accounts(connection, me.lane, [me.org_id]))[0]
    return page(
        request, "purse/withdrawal_new.html", status=status, purse=purse, form=form,
        own_e4=max(0, wallet.posted_e4 - wallet.held_e4), terms=finance.terms_of(door.settings),
    )  # fmt: skip


async def show_withdrawal(request: AnyRequest, purse: Purse, withdrawal_id: str) -> Response[Any]:
    return _withdrawal_page(request, purse, await _withdrawal(request, withdrawal_id))


async def cancel_withdrawal(request: AnyRequest, purse: Purse, withdrawal_id: str) -> Response[Any]:
    viewer, door, one = viewer_of(request), door_of(request), await _withdrawal(request, withdrawal_id)
    try:
        await finance.cancel_withdrawal(door.db, viewer.me, one.withdrawal_id, actor_id=viewer.person_id)
    except Refusal as refusal:
        return _withdrawal_page(request, purse, one, message_of(refusal, viewer.words), refusal.status)
    said = N_("The withdrawal is taken back.")
    return way_on(request, f"{purse.withdrawals}/{one.withdrawal_id}", said=said)


async def _withdrawal(request: AnyRequest, text: str) -> Withdrawal:
    return await finance.find_withdrawal(door_of(request).db, viewer_of(request).me, _number(text))


def _withdrawal_page(
    request: AnyRequest, purse: Purse, one: Withdrawal, refused: str = "", status: int = 200
) -> Response[Any]:
    may_cancel = (one.state, finance.Command.cancel) in finance.TRANSITIONS
    return page(
        request, "purse/withdrawal.html", status=status, purse=purse, one=one, refused=refused, may_cancel=may_cancel,
        today=clock.china_day(),
    )  # fmt: skip


def _number(text: str) -> int:
    """The number in an address; ``NoSuchPage`` if it is none."""
    try:
        return ids.parse(text)
    except ValueError:
        raise NoSuchPage from None
