"""One order with everything about it, and the acts that its state allows; each with a reason and an audit line."""

from __future__ import annotations

import secrets
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from kameng import notices, orders, payments
from kameng.kit import ids
from kameng.kit.errors import Refusal
from kameng.orders import TRANSITIONS, By, Command, Instruction, OrderNotFound, Standing, State
from kameng.web import forms, till
from kameng.web.answering import page, way_on
from kameng.web.console import asking
from kameng.web.console.payment_plans import STATES, channels_of
from kameng.web.console.story import story_of
from kameng.web.forms import Field, Filled
from kameng.web.parts import AnyRequest, Door, door_of
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_


class Act(msgspec.Struct, frozen=True):
    """What staff may do with an order: in which states, as which command, and what it asks for beside a reason."""

    command: Command
    label: str
    help: str
    tone: str = ""
    states: frozenset[State] | None = None  # None: wherever the table of states allows it
    asks: tuple[str, ...] = ()

    def is_open(self, order: Standing) -> bool:
        if self.states is not None and order.state not in self.states:
            return False
        return any((order.state, command) in TRANSITIONS for command in _ALSO.get(self.command, (self.command,)))


_ALSO = {
    Command.cancel: (Command.cancel, Command.withdraw),
    Command.refund: (Command.refund, Command.refund_part),
}
"""Commands that become another one by the state they find."""
_UNDERWAY = frozenset({State.fulfilling, State.review, State.cancelling})

ACTS: dict[str, Act] = {
    "release": Act(
        Command.fulfil, N_("Release"),
        N_("It goes on: cards are delivered, anything else is sent to whoever fulfils it."),
        "first", frozenset({State.held}),
    ),
    "refuse": Act(
        Command.refuse, N_("Refuse"), N_("It ends here, and its money goes back to the buyer."), "danger",
        frozenset({State.held}),
    ),
    "confirm": Act(
        Command.pay, N_("Confirm payment"),
        N_("A channel's payment came that nobody was told of. One payment number counts once."),
        "first", None, ("amount", "channel", "number"),
    ),
    "resubmit": Act(
        Command.fulfil, N_("Send again"), N_("Only if you made sure that nothing was delivered."), "",
        frozenset({State.review}),
    ),
    "deliver": Act(
        Command.deliver, N_("Mark as delivered"), N_("The goods are there: its money leaves escrow."), "",
        _UNDERWAY, ("waiting_part",),
    ),
    "fail": Act(
        Command.fail, N_("Mark as failed"), N_("There will be no goods: the money goes back."), "danger",
        _UNDERWAY, ("waiting_part",),
    ),
    "doubt": Act(
        Command.doubt, N_("To be verified"),
        N_("Nobody knows what became of it: nothing happens by itself from here on."),
    ),
    "hold": Act(Command.hold, N_("Hold"), N_("As long as nobody has begun."), "", frozenset({State.fulfilling})),
    "cancel": Act(
        Command.cancel, N_("Cancel"), N_("Unpaid it ends at once; later whoever fulfils it is asked to stop."), "danger"
    ),
    "refund": Act(
        Command.refund, N_("Refund"), N_("To the wallet that paid; without an amount all that is left."), "danger",
        None, ("amount", "delivered_part"),
    ),
    "replace": Act(
        Command.swap, N_("Replace cards"), N_("Other cards for those you choose; the old ones are shown no more."), "",
        None, ("cards",),
    ),
    "redeliver": Act(
        Command.redeliver, N_("Notify again"), N_("The buyer is told once more that the goods are there.")
    ),
    "settle": Act(Command.settle, N_("Confirm receipt"), N_("The buyer has it: its money leaves escrow.")),
}  # fmt: skip
OF_PARTS = {Command.deliver: Command.deliver_part, Command.fail: Command.fail_part}
REASON = Field("reason", forms.text(500))
FIELDS = {
    "amount": Field("amount", forms.amount(), required=False),
    "channel": Field("channel", forms.text(40)),
    "number": Field("number", forms.text(100)),
    "waiting_part": Field("part", forms.whole(1, 100), required=False),
    "delivered_part": Field("part", forms.whole(1, 100), required=False),
}


@get("/console/orders/{order_id:str}", opt={"face": "platform"})
async def show_order(request: AnyRequest, order_id: FromPath[str]) -> Response[Any]:
    return await _shown(request, _id(order_id))


async def _shown(
    request: AnyRequest, order_id: int, *, status: int = 200, act: str = "", form: Filled | None = None, **more: Any
) -> Response[Any]:
    door, viewer = door_of(request), viewer_of(request)
    story = await story_of(door, order_id)
    order = story.order
    may = viewer.may("orders")
    open_acts = {name: one for name, one in ACTS.items() if may and one.is_open(order)}
    if order.expires_at is None:
        open_acts.pop("confirm", None)
    if not order.card_ids or order.is_sandbox:
        open_acts.pop("replace", None)
    return page(
        request, "console/order.html", status=status, story=story, order=order, acts=open_acts, act=act,
        form=forms.blank(viewer.words) if form is None else form, blank=forms.blank(viewer.words),
        key=secrets.token_hex(8),
        payload=await _payload(door, story), attempts=await payments.payments_of(door.db, order_id),
        pay_channels=await channels_of(door.db), states=STATES, methods=till.NAMES, **{"revealed": None, **more},
    )  # fmt: skip


async def _payload(door: Door, story: Any) -> str:
    """What its webhooks say now, to the byte but for the signature."""
    event = story.last_event
    whole = notices.Event(
        event.event_id, story.order.org_id, story.order.order_id, event.sequence, event.kind, event.at, event.data
    )
    async with door.db.connection() as connection:
        states = await door.states.show(connection, ids.lane_of(whole.subject_id), [whole])
    body = {"type": whole.kind, "data": notices.data_of(whole, states.get(whole.subject_id))}
    return msgspec.json.format(msgspec.json.encode(body), indent=2).decode()


@post("/console/orders/{order_id:str}/acts/{name:str}", opt={"face": "platform", "act": "orders"}, status_code=200)
async def act(request: AnyRequest, order_id: FromPath[str], name: FromPath[str]) -> Response[Any]:
    """One act; its form carries the key under which it has one effect."""
    viewer, door, number = viewer_of(request), door_of(request), _id(order_id)
    chosen = ACTS.get(name)
    if chosen is None:
        raise OrderNotFound
    form = await forms.read(request, viewer.words, _fields(chosen))
    data = await request.form()
    cards = [int(card) for card in data.getall("cards", []) if str(card).isdecimal()]
    if "cards" in chosen.asks and not cards:
        form.wrong("cards", "Choose one card at least.")
    if form:
        try:
            asked = _instruction(chosen, number, form, str(data.get("key", "")), cards, viewer.person_id)
            await orders.act_on(door.db, door.ring, asked, terms=orders.terms_of(door.settings))
        except Refusal as refusal:
            form.refused(refusal, {"part_no": "part", "card_ids": "cards", "key": "reason"})
        else:
            return way_on(request, f"/console/orders/{number}", said=N_("Done. It is written down with your reason."))
    return await _shown(request, number, status=422, act=name, form=form)


def _fields(chosen: Act) -> list[Field]:
    fields = [REASON, *(FIELDS[name] for name in chosen.asks if name in FIELDS)]
    if chosen.command is Command.pay:  # there the amount is what was paid
        fields = [msgspec.structs.replace(one, required=True) if one.name == "amount" else one for one in fields]
    return fields


def _instruction(chosen: Act, order_id: int, form: Filled, key: str, cards: list[int], person_id: int) -> Instruction:
    part_no = form.values.get("part")
    command = chosen.command if part_no is None else OF_PARTS.get(chosen.command, chosen.command)
    if chosen.command is Command.pay:
        key = f"{form['channel']}:{form['number']}"
    return Instruction(
        order_id=order_id, command=command, key=key, by=By.staff, actor_id=person_id, reason=form["reason"],
        amount_e4=form.values.get("amount"), card_ids=tuple(cards), part_no=part_no,
    )  # fmt: skip


@post("/console/orders/{order_id:str}/account", opt={"face": "platform", "act": "reveal"}, status_code=200)
async def reveal_account(request: AnyRequest, order_id: FromPath[str]) -> Response[Any]:
    """The account in clear, without its password; who asked and why is written down first."""
    viewer, door, number = viewer_of(request), door_of(request), _id(order_id)
    form = await forms.read(request, viewer.words, [REASON])
    revealed = None
    if form:
        try:
            revealed = await orders.reveal_account(
                door.db, door.ring, number, reason=form["reason"], actor_id=viewer.person_id
            )
        except Refusal as refusal:
            form.refused(refusal)
    return await _shown(
        request, number, status=200 if revealed is not None else 422, act="account", form=form, revealed=revealed
    )


@post("/console/orders/{order_id:str}/webhook", opt={"face": "platform", "act": "orders"}, status_code=200)
async def send_again(request: AnyRequest, order_id: FromPath[str]) -> Response[Any]:
    """Its latest event once more to one endpoint of its buyer."""
    viewer, door, number = viewer_of(request), door_of(request), _id(order_id)
    form = await forms.read(request, viewer.words, [Field("endpoint", asking.number), Field("event", asking.number)])
    if form:
        story = await story_of(door, number)
        try:
            await notices.replay(
                door.db, story.order.org_id, form["endpoint"], event_id=form["event"], actor_id=viewer.person_id
            )
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return way_on(request, f"/console/orders/{number}", said=N_("It will be sent again."))
    return await _shown(request, number, status=422, act="webhook", form=form)


def _id(text: str) -> int:
    return asking.id_in(text, OrderNotFound)
