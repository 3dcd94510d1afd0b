"""打款: files for the bank with what was approved, and the bank's results brought in."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kameng import finance, identity
from kameng.kit.errors import Refusal
from kameng.web import forms, uploads
from kameng.web.answering import download, page, way_on
from kameng.web.console import asking
from kameng.web.parts import AnyRequest, door_of
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

HOME = "/console/withdrawals/batches"
ACT: dict[str, Any] = {"face": "platform", "act": "money.approve", "proof": True}
EFFECTS = {
    "paid": (N_("Paid"), "good"), "failed": (N_("Back in the wallet"), "warn"), "waiting": (N_("Not yet done"), ""),
    "again": (N_("Known before"), ""), "unknown": (N_("No payout of ours"), "bad"),
    "amount": (N_("Another amount"), "bad"), "differs": (N_("Booked otherwise before"), "bad"),
    "reference": (N_("The bank's number was used before"), "bad"),
}  # fmt: skip
"""What became of each line of a result."""
FORMS = {"xlsx": uploads.MEDIA_TYPES["xlsx"], "csv": "text/csv; charset=utf-8"}


@get(HOME, opt={"face": "platform", "act": "money.view"})
async def list_batches(request: AnyRequest) -> Response[Any]:
    return await _shown(request)


async def _shown(request: AnyRequest, *, status: int = 200, **more: Any) -> Response[Any]:
    door, words = door_of(request), viewer_of(request).words
    batches = await finance.list_batches(door.db)
    async with door.db.connection() as connection:
        people = await identity.people_by_id(connection, {one.made_by for one in batches})
    values = {"making": forms.blank(words), "importing": forms.blank(words), "taken": None, **more}
    return page(
        request, "console/batches.html", status=status, batches=batches, people=people, effects=EFFECTS, **values
    )


@post(HOME, opt=ACT, status_code=200)
async def make_batch(request: AnyRequest) -> Response[Any]:
    viewer = viewer_of(request)
    form = await forms.read(request, viewer.words, ())
    try:
        await finance.make_batch(door_of(request).db, actor_id=viewer.person_id)
    except Refusal as refusal:
        form.refused(refusal)
        return await _shown(request, status=422, making=form)
    return way_on(request, HOME, said=N_("The file is made: take it to the bank."))


@post(f"{HOME}/{{batch_id:str}}/{{form:str}}", opt=ACT, status_code=200)
async def give_file(request: AnyRequest, batch_id: FromPath[str], form: FromPath[str]) -> Response[bytes]:
    """Payees stand in it in clear: whoever takes it is written down."""
    viewer, door, number = viewer_of(request), door_of(request), asking.id_in(batch_id)
    media_type = FORMS.get(form)
    if media_type is None:
        raise finance.NoSuchPayoutBatch
    content = await finance.bank_file(door.db, door.ring, number, form, actor_id=viewer.person_id)
    return download(f"payouts-{number}.{form}", media_type, content)


@post(f"{HOME}/result", opt=ACT, status_code=200)
async def import_result(request: AnyRequest) -> Response[Any]:
    """What the bank says of each line; a file that can't be read whole is refused whole."""
    viewer, door = viewer_of(request), door_of(request)
    form = await forms.read(request, viewer.words, ())
    form.sent["file"] = ""
    try:
        sent = await uploads.read_upload((await request.form()).get("file"), kinds=uploads.SHEETS)
        taken = await finance.import_bank_result(
            door.db, sent.content, file_name=sent.name, actor_id=viewer.person_id
        )
    except Refusal as refusal:
        form.refused(refusal)
        return await _shown(request, status=422, importing=form)
    return await _shown(request, taken=taken)
