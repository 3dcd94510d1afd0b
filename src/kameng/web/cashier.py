"""收银台: where customers of a member's own shop pay, that has Kameng as its epay: ``/cashier/{trade}/{mark}``.

The address is known to whoever the shop led here; nobody guesses another's. It shows what its shop calls it, and no
name of anybody's. Once it is paid it leads back to the shop, with the proof.
"""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kameng import epay, identity
from kameng.kit import clock, ids
from kameng.web import till, within
from kameng.web.answering import way_on
from kameng.web.errors import NoSuchPage
from kameng.web.parts import AnyRequest, door_of
from kameng.web.till import Due

STATES = {"paid": "paid", "refunded": "paid", "closed": "expired", "expired": "expired", "open": "open"}
BACK_AFTER_S = 3


@get("/cashier/{trade_id:str}/{mark:str}", opt={"face": "any"})
async def show(request: AnyRequest, trade_id: FromPath[str], mark: FromPath[str]) -> Response[Any]:
    due = await _due(request, trade_id, mark)
    if due.state == "paid" and request.headers.get("hx-request"):
        return way_on(request, due.path)  # the page that looks by itself: whole, so that it leads back
    answer = await within.show(request, due)
    if due.state == "paid" and due.back:
        answer.headers["refresh"] = f"{BACK_AFTER_S};url={due.back}"
    return answer


@post("/cashier/{trade_id:str}/{mark:str}", opt={"face": "any"}, status_code=200)
async def choose(request: AnyRequest, trade_id: FromPath[str], mark: FromPath[str]) -> Response[Any]:
    """Another way to pay (``method``), or 我已支付 (``act=look``)."""
    due = await _due(request, trade_id, mark)
    if (await request.form()).get("act") == "look":
        return await till.look(request, due)
    return await till.choose(request, due)


async def _due(request: AnyRequest, text: str, mark: str) -> Due:
    site = door_of(request).site
    try:
        number = ids.parse(text)
    except ValueError:
        raise NoSuchPage from None
    if not site.is_mark(number, mark):
        raise NoSuchPage
    trade = await epay.trade_at(site, number)
    stands = await epay.read_one(site, trade)
    async with site.db.connection() as connection:
        organisation = await identity.find_organisation(connection, trade.org_id)
    assert organisation is not None, "no organisation is ever removed"
    state = STATES[epay.state_of(trade, stands, clock.now())]
    back = await epay.back_of(site, trade, stands) if state == "paid" and stands is not None else ""
    return Due(
        payable_id=number, organisation=organisation, amount_e4=trade.amount_e4, currency=organisation.currency,
        state=state, title=trade.name, path=site.path_of(number), back=back, again="", expires_at=trade.expires_at,
        collection=trade.collection, layout="till/alone.html",
    )  # fmt: skip


HANDLERS = [show, choose]
