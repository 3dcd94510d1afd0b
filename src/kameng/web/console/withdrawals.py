"""The withdrawals desk: approved by one or two persons, sent by Alipay or in a file for the bank, paid, or refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from kameng import finance, identity, payments
from kameng.finance import TRANSITIONS, Command, Payout, PayoutState, State, Withdrawal
from kameng.kit.errors import Refusal
from kameng.web import forms
from kameng.web.answering import page, way_on
from kameng.web.console import asking
from kameng.web.forms import Field, Filled
from kameng.web.parts import AnyRequest, Door, door_of
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

VIEWS: dict[str, tuple[str, tuple[State, ...]]] = {
    "": (N_("To decide or pay"), (State.requested, State.checked, State.approved)),
    "paying": (N_("On their way"), (State.paying,)),
    "paid": (N_("Paid"), (State.paid,)),
    "back": (N_("Not paid"), (State.refused, State.cancelled, State.failed)),
}
FILTERS = (
    Field("view", forms.one_of("paying", "paid", "back"), required=False, empty=""),
    Field("org", asking.number, required=False),
    Field("before", asking.number, required=False),
)


class Act(msgspec.Struct, frozen=True):
    """One step at the desk; ``asks``: the field it needs."""

    command: Command
    label: str
    tone: str
    asks: str
    run: Callable[[Door, int, Filled, int], Awaitable[object]]
    fits: Callable[[Withdrawal, Payout | None], bool] = lambda one, _: one.state is not State.paying

    def is_open(self, one: Withdrawal, payout: Payout | None) -> bool:
        return (one.state, self.command) in TRANSITIONS and self.fits(one, payout)


def _is_ours(_: Withdrawal, payout: Payout | None) -> bool:
    """Whether a person's word counts: of what a bank has in hand, and of what nobody could find out."""
    return payout is not None and (payout.method == "bank" or payout.state is PayoutState.abnormal)


ACTS = {
    "alipay": Act(
        Command.send, N_("Pay by Alipay"), "first", "channel",
        lambda door, number, form, by: payments.send_withdrawal(door.db, number, form["channel"], actor_id=by),
        lambda one, _: one.method == "alipay",
    ),
    "approve": Act(
        Command.approve, N_("Approve"), "first", "",
        lambda door, number, _, by: finance.approve_withdrawal(door.db, number, actor_id=by),
    ),
    "pay": Act(
        Command.pay, N_("Paid by bank"), "first", "reference",
        lambda door, number, form, by: finance.pay_withdrawal(
            door.db, number, external_ref=form["reference"], actor_id=by
        ),
    ),
    "arrived": Act(
        Command.pay, N_("It arrived"), "first", "reference",
        lambda door, number, form, by: payments.decide_payout(
            door.db, number, reference=form["reference"], actor_id=by
        ),
        _is_ours,
    ),
    "back": Act(
        Command.fail, N_("It did not arrive"), "danger", "note",
        lambda door, number, form, by: payments.decide_payout(door.db, number, note=form["note"], actor_id=by),
        _is_ours,
    ),
    "again": Act(
        Command.pay, N_("Ask the provider again"), "", "",
        lambda door, number, _, by: payments.retry_payout(door.db, number, actor_id=by),
        lambda _, payout: payout is not None and payout.state is PayoutState.abnormal,
    ),
    "refuse": Act(
        Command.refuse, N_("Refuse"), "danger", "note",
        lambda door, number, form, by: finance.refuse_withdrawal(door.db, number, note=form["note"], actor_id=by),
    ),
    "fail": Act(
        Command.fail, N_("Bank sent it back"), "danger", "note",
        lambda door, number, form, by: finance.fail_withdrawal(door.db, number, note=form["note"], actor_id=by),
    ),
}  # fmt: skip


ASKS = {
    "reference": Field("reference", forms.text(100)), "note": Field("note", forms.text(500)),
    "channel": Field("channel", asking.number),
}  # fmt: skip


def _open_acts(one: Withdrawal, payout: Payout | None) -> list[tuple[str, Act]]:
    """What the desk may do with it now."""
    return [(name, act) for name, act in ACTS.items() if act.is_open(one, payout)]


@get("/console/withdrawals", opt={"face": "platform", "act": "money.view"})
async def list_withdrawals(request: AnyRequest) -> Response[Any]:
    return await _shown(request)


async def _shown(request: AnyRequest, *, status: int = 200, **more: Any) -> Response[Any]:
    door, form = door_of(request), asking.asked(request, FILTERS)
    found: list[Withdrawal] = []
    for state in VIEWS[form["view"] or ""][1]:
        found += await finance.list_withdrawals(
            door.db, org_id=form["org"], state=state, before_id=form["before"] or asking.ID_MAX, limit=asking.PAGE + 1
        )
    found.sort(key=lambda one: -one.withdrawal_id)
    shown = found[: asking.PAGE]
    async with door.db.connection() as connection:
        owners = await identity.organisations_by_id(connection, {one.org_id for one in shown})
        people = await identity.people_by_id(connection, {one.checked_by for one in shown if one.checked_by})
    payouts = await finance.payouts_of(door.db, [one.withdrawal_id for one in shown])
    payers = [one for one in await payments.list_channels(door.db) if payments.can_pay_out(one)]
    onward = asking.address("/console/withdrawals", form, before=shown[-1].withdrawal_id) if len(found) > len(
        shown) else None  # fmt: skip
    values = {"act_form": forms.blank(viewer_of(request).words), "refused_id": 0, "act": "", "payee": None, **more}
    tabs = [(label, f"/console/withdrawals?view={name}" if name else "/console/withdrawals", name == form["view"])
            for name, (label, _) in VIEWS.items()]  # fmt: skip
    return page(
        request, "console/withdrawals.html", status=status, withdrawals=shown, owners=owners, people=people, tabs=tabs,
        acts_open=_open_acts, payouts=payouts, payers=payers, onward=onward, is_first=form["before"] is None, **values,
    )  # fmt: skip


@post(
    "/console/withdrawals/{withdrawal_id:str}/acts/{name:str}",
    opt={"face": "platform", "act": "money.approve", "proof": True}, status_code=200,
)  # fmt: skip
async def act(request: AnyRequest, withdrawal_id: FromPath[str], name: FromPath[str]) -> Response[Any]:
    viewer, door, number = viewer_of(request), door_of(request), asking.id_in(withdrawal_id)
    chosen = ACTS.get(name)
    if chosen is None:
        raise finance.NoSuchWithdrawal
    fields = [ASKS[chosen.asks]] if chosen.asks else []
    form = await forms.read(request, viewer.words, fields)
    if form:
        try:
            await chosen.run(door, number, form, viewer.person_id)
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return way_on(request, "/console/withdrawals", said=N_("Saved."))
    return await _shown(request, status=422, act_form=form, refused_id=number, act=name)


@post(
    "/console/withdrawals/{withdrawal_id:str}/payee",
    opt={"face": "platform", "act": "money.approve", "proof": True},
    status_code=200,
)
async def reveal_payee(request: AnyRequest, withdrawal_id: FromPath[str]) -> Response[Any]:
    """Whom to pay, in clear; the look is written down."""
    viewer, door, number = viewer_of(request), door_of(request), asking.id_in(withdrawal_id)
    payee = await finance.reveal_payee(door.db, door.ring, number, actor_id=viewer.person_id)
    return await _shown(request, refused_id=number, payee=payee)
