"""对账: days and channels with what their bills come to, differences to be resolved, and bank statements brought in."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kameng import finance, identity, payments, reconciliation
from kameng.kit import clock
from kameng.kit.errors import Refusal
from kameng.reconciliation import Act, Case, Choice
from kameng.web import forms, uploads
from kameng.web.answering import download, page, way_on
from kameng.web.console import asking
from kameng.web.errors import NoSuchPage
from kameng.web.forms import Field, Filled
from kameng.web.parts import AnyRequest, Door, door_of
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

DAYS = 14
HOME = "/console/reconciliation"
ACTS = {
    Act.accept: N_("Accept the provider's fee"), Act.refund: N_("Give back to origin"),
    Act.credit: N_("Credit a wallet"), Act.pay_out: N_("Paid back by bank"),
    Act.offset: N_("Offset another difference"),
    Act.write_off: N_("Write it off"),
}  # fmt: skip
RESOLVE = (
    Field("act", forms.one_of(*(act.value for act in ACTS))), Field("reason", forms.text(500)),
    Field("organisation", asking.number, required=False), Field("reference", forms.text(100), required=False, empty=""),
    Field("other", asking.number, required=False),
)  # fmt: skip
DECIDE = (asking.VERDICT, Field("note", forms.text(500), required=False, empty=""))
BOOK = (Field("reason", forms.text(500)), Field("payment", asking.number, required=False))
ASSIGN = (Field("payment", asking.number), Field("reason", forms.text(500)))
IGNORE = (Field("reason", forms.text(500)),)
LIST = (Field("channel", asking.number, required=False), Field("day", asking.day, required=False))


@get(HOME, opt={"face": "platform", "act": "money.view"})
async def list_days(request: AnyRequest) -> Response[Any]:
    """Two weeks, to the day asked for or to today."""
    db = door_of(request).db
    form = asking.asked(request, LIST)
    last: date = form["day"] or clock.china_day()
    found = await reconciliation.days(db, last - timedelta(days=DAYS - 1), last, channel_id=form["channel"])
    named, owed = await reconciliation.channels(db), await reconciliation.owed(db)
    waiting = len(await reconciliation.list_cases(db, limit=1000))
    unassigned = len(await reconciliation.list_credits(db, limit=1000))
    return page(
        request, "console/reconciliation.html", days=found, form=form, channels=named, owed=owed, waiting=waiting,
        credits=unassigned, older=(last - timedelta(days=DAYS)).isoformat(), is_newest=form["day"] is None,
    )  # fmt: skip


@get(f"{HOME}/report/{{day:str}}", opt={"face": "platform", "act": "money.view"})
async def report(request: AnyRequest, day: FromPath[str]) -> Response[bytes]:
    try:
        asked = date.fromisoformat(day)
    except ValueError:
        raise NoSuchPage from None
    content = await reconciliation.report(door_of(request).db, asked)
    return download(f"reconciliation-{asked}.xlsx", uploads.MEDIA_TYPES["xlsx"], content)


# differences -------------------------------------------------------------------------------------------------


@get(f"{HOME}/cases", opt={"face": "platform", "act": "money.view"})
async def list_cases(request: AnyRequest) -> Response[Any]:
    """Those that wait, due first; or all of one channel's day."""
    door, form = door_of(request), asking.asked(request, LIST)
    found = await reconciliation.list_cases(door.db, channel_id=form["channel"], day=form["day"])
    named = await reconciliation.channels(door.db)
    async with door.db.connection() as connection:
        people = await identity.people_by_id(connection, {one.owner_id for one in found if one.owner_id})
    return page(
        request, "console/differences.html", cases=found, channels=named, people=people, form=form, now=clock.now()
    )


@get(f"{HOME}/cases/{{case_id:str}}", opt={"face": "platform", "act": "money.view"})
async def show_case(request: AnyRequest, case_id: FromPath[str]) -> Response[Any]:
    return await _shown(request, asking.id_in(case_id))


async def _shown(request: AnyRequest, case_id: int, *, status: int = 200, **more: Any) -> Response[Any]:
    door, words = door_of(request), viewer_of(request).words
    case, line = await reconciliation.find_case(door.db, case_id)
    named = await reconciliation.channels(door.db)
    asked = {one for one in (case.owner_id, case.asked_by, case.second_id) if one}
    async with door.db.connection() as connection:
        people = await identity.people_by_id(connection, asked)
    values = {"resolving": forms.blank(words), "deciding": forms.blank(words), "booking": forms.blank(words), **more}
    return page(
        request, "console/difference.html", status=status, case=case, line=line, channel=named[case.channel_id],
        people=people, candidates=await reconciliation.candidates(door.db, case_id), acts=ACTS, now=clock.now(),
        is_mine=case.asked_by == viewer_of(request).person_id, **values,
    )  # fmt: skip


@post(f"{HOME}/cases/{{case_id:str}}/take", opt={"face": "platform", "act": "money.move"}, status_code=200)
async def take_case(request: AnyRequest, case_id: FromPath[str]) -> Response[Any]:
    number = asking.id_in(case_id)
    await reconciliation.take(door_of(request).db, number, actor_id=viewer_of(request).person_id)
    return _on(request, number, N_("It is yours now."))


@post(
    f"{HOME}/cases/{{case_id:str}}/resolve",
    opt={"face": "platform", "act": "money.move", "proof": True},
    status_code=200,
)
async def resolve_case(request: AnyRequest, case_id: FromPath[str]) -> Response[Any]:
    """Done at once, or left for a second person."""
    viewer, door, number = viewer_of(request), door_of(request), asking.id_in(case_id)
    form = await forms.read(request, viewer.words, RESOLVE)
    if form:
        choice = Choice(
            Act(form["act"]), form["reason"], org_id=form["organisation"], reference=form["reference"],
            other_id=form["other"],
        )  # fmt: skip
        limit_e4 = finance.terms_of(door.settings).adjustment_limit_e4
        try:
            done = await reconciliation.resolve(door.db, number, choice, limit_e4=limit_e4, actor_id=viewer.person_id)
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return _on(request, number, _said(done))
    return await _shown(request, number, status=422, resolving=form)


@post(
    f"{HOME}/cases/{{case_id:str}}/decide",
    opt={"face": "platform", "act": "money.approve", "proof": True},
    status_code=200,
)
async def decide_case(request: AnyRequest, case_id: FromPath[str]) -> Response[Any]:
    """The second person agrees or sends it back; never the one who asked."""
    viewer, door, number = viewer_of(request), door_of(request), asking.id_in(case_id)
    form = await forms.read(request, viewer.words, DECIDE)
    if form:
        try:
            done = await reconciliation.decide(
                door.db, number, agree=form["verdict"] == "accept", note=form["note"], actor_id=viewer.person_id
            )
        except Refusal as refusal:
            form.refused(refusal, {"reason": "note", "by": "general"})
        else:
            return _on(request, number, _said(done))
    return await _shown(request, number, status=422, deciding=form)


@post(
    f"{HOME}/cases/{{case_id:str}}/book",
    opt={"face": "platform", "act": "money.move", "proof": True},
    status_code=200,
)
async def book_case(request: AnyRequest, case_id: FromPath[str]) -> Response[Any]:
    """补记: the payment is booked by the bill's word, and its order goes on."""
    viewer, door, number = viewer_of(request), door_of(request), asking.id_in(case_id)
    form = await forms.read(request, viewer.words, BOOK)
    if form:
        case, _ = await reconciliation.find_case(door.db, number)
        channel = (await reconciliation.channels(door.db))[case.channel_id]
        try:
            await reconciliation.book(
                door.db, channel, number, reconciliation.booker(door.cashier), payment_id=form["payment"],
                reason=form["reason"], actor_id=viewer.person_id,
            )  # fmt: skip
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return _on(request, number, N_("Booked."))
    return await _shown(request, number, status=422, booking=form)


def _on(request: AnyRequest, number: int, said: str) -> Response[Any]:
    return way_on(request, f"{HOME}/cases/{number}", said=said)


def _said(case: Case) -> str:
    if case.state == "returning":
        return N_("It goes back to where it came from.")
    return N_("It waits for a second person now.") if case.state == "asked" else N_("Saved.")


# bank statements ---------------------------------------------------------------------------------------------


@get(f"{HOME}/credits", opt={"face": "platform", "act": "money.view"})
async def list_credits(request: AnyRequest) -> Response[Any]:
    return await _credits(request)


async def _credits(request: AnyRequest, *, status: int = 200, **more: Any) -> Response[Any]:
    door, words = door_of(request), viewer_of(request).words
    found = await reconciliation.list_credits(door.db, limit=50)
    offered = {one.credit_id: await reconciliation.credit_candidates(door.db, one) for one in found}
    banks = [one for one in (await reconciliation.channels(door.db)).values() if one.protocol == "bank"]
    values = {"importing": forms.blank(words), "deciding": forms.blank(words), "refused_id": 0, "done": None, **more}
    return page(
        request, "console/credits.html", status=status, credits=found, offered=offered, banks=banks,
        choices=[(one.channel_id, one.name) for one in banks], **values,
    )  # fmt: skip


@post(f"{HOME}/credits", opt={"face": "platform", "act": "money.move", "proof": True}, status_code=200)
async def import_credits(request: AnyRequest) -> Response[Any]:
    """A statement, whole or not at all."""
    viewer, door = viewer_of(request), door_of(request)
    form = await forms.read(request, viewer.words, (Field("channel", asking.number),))
    form.sent["file"] = ""
    if form:
        try:
            sent = await uploads.read_upload((await request.form()).get("file"), kinds=uploads.SHEETS)
            channel = (await reconciliation.channels(door.db)).get(form["channel"])
            if channel is None:
                raise payments.NoSuchChannel(field="channel")
            done = await reconciliation.import_statement(
                door.db, reconciliation.teller_of(door.cashier), channel, sent.content, file_name=sent.name,
                actor_id=viewer.person_id,
            )  # fmt: skip
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return await _credits(request, done=done)
    return await _credits(request, status=422, importing=form)


@post(
    f"{HOME}/credits/{{credit_id:str}}/{{name:str}}",
    opt={"face": "platform", "act": "money.move", "proof": True},
    status_code=200,
)
async def decide_credit(request: AnyRequest, credit_id: FromPath[str], name: FromPath[str]) -> Response[Any]:
    """Which payment it is of, or that it is none of ours."""
    viewer, door, number = viewer_of(request), door_of(request), asking.id_in(credit_id)
    if name not in ("assign", "ignore"):
        raise NoSuchPage
    form = await forms.read(request, viewer.words, ASSIGN if name == "assign" else IGNORE)
    if form:
        try:
            await _decide(door, number, name, form, viewer.person_id)
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return way_on(request, f"{HOME}/credits", said=N_("Saved."))
    return await _credits(request, status=422, deciding=form, refused_id=number)


async def _decide(door: Door, number: int, name: str, form: Filled, by: int) -> None:
    if name == "ignore":
        await reconciliation.ignore_credit(door.db, number, reason=form["reason"], actor_id=by)
        return
    paid = await payments.find_payment(door.cashier, form["payment"])
    channel = (await reconciliation.channels(door.db))[paid.channel_id]
    await reconciliation.assign_credit(
        door.db, reconciliation.teller_of(door.cashier), channel, number, form["payment"], reason=form["reason"],
        actor_id=by,
    )  # fmt: skip
