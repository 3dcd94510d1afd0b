"""The till: the ways to pay that channels offer now, and the page where an order or a recharge is paid.

One for all faces: whoever has something to be paid makes a ``Due`` of it; what is shown, begun and asked is here.
Nothing is decided here either: whether it is paid is read from the order or the recharge each time.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec
import segno
from litestar import Response

from kameng import payments
from kameng.channels import Method, Scene, Shown
from kameng.identity import Organisation
from kameng.kit import clock, places
from kameng.kit.errors import Refusal
from kameng.payments import Payment, State
from kameng.web import forms
from kameng.web.answering import CSP, message_of, page, way_on
from kameng.web.entrance.steps import origin_of
from kameng.web.forms import Filled
from kameng.web.parts import AnyRequest, door_of
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

NAMES = {
    Method.wechat: N_("WeChat Pay"), Method.alipay: N_("Alipay"), Method.unionpay: N_("UnionPay QuickPass"),
    Method.qqpay: N_("QQ Wallet"), Method.card: N_("Bank card"), Method.bank: N_("Online banking"),
    Method.paypal: N_("PayPal"), Method.usdt: N_("USDT"),
}  # fmt: skip
"""In the order in which they are offered."""
UNDONE = N_("This way to pay can't be used right now; nothing was charged. Choose another one, or try again.")
NOT_YET = N_("No payment has arrived yet. If you have paid, wait a moment: this page follows by itself.")


NETLOC = re.compile(r"[A-Za-z0-9.:-]{1,255}")


class Way(msgspec.Struct, frozen=True):
    """One way to pay, for this device."""

    method: Method
    scene: Scene

    @property
    def label(self) -> str:
        return NAMES[self.method]


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be paid, by whom, and where its pages are. ``state``: open, paid, expired or cancelled."""

    payable_id: int
    organisation: Organisation
    amount_e4: int
    currency: str
    state: str
    title: str
    path: str  # of its pay page
    back: str  # where its payer goes on
    again: str  # where the same is begun anew
    layout: str = "shop.html"
    expires_at: datetime | None = None
    recharge_ref: str | None = None  # None: it is an order
    bonus_e4: int = 0
    wallet_e4: int = 0  # of it held on the payer's wallet
    part_e4: int = 0  # of it the wallet could still add: nobody has begun to pay
    collection: payments.Collection | None = None  # somebody's own shop is paid, not ours

    @property
    def rest_e4(self) -> int:
        """What a channel has to bring."""
        return self.amount_e4 - self.wallet_e4

    @property
    def is_recharge(self) -> bool:
        return self.recharge_ref is not None

    @property
    def is_to_us(self) -> bool:
        """It fills a wallet, a member's or an epay site's: no agent's own channel takes it."""
        return self.is_recharge or self.collection is not None


def device_of(request: AnyRequest) -> str:
    agent = viewer_of(request).agent
    return "wechat" if "MicroMessenger" in agent else "phone" if "Mobi" in agent else "desktop"


async def ways(
    request: AnyRequest, organisation: Organisation, amount_e4: int, *, is_recharge: bool = False
) -> list[Way]:
    """What can be paid with now on this device, from where it is; one scene a method."""
    cashier = door_of(request).cashier
    await cashier.channels.refresh()
    agent_id = shop_of(request, organisation, is_recharge=is_recharge)
    if agent_id is None:
        return []
    device = device_of(request)
    offered = await payments.ways_to_pay(
        cashier, organisation, amount_e4, agent_id=agent_id, device=device,
        region=await places.region_of(viewer_of(request).ip),
    )  # fmt: skip
    return chosen_of(offered, device)


def shop_of(request: AnyRequest, organisation: Organisation, *, is_recharge: bool) -> int | None:
    """Whose own channels may take it, as he buys in this agent's shop; 0: the house's alone. None: nobody's, for in a
    shop that collects itself nothing is paid to us."""
    agent_id = organisation.parent_id or 0
    if _collects_itself(request) and (is_recharge or agent_id not in door_of(request).cashier.channels.own):
        return None
    return 0 if is_recharge else agent_id


def _collects_itself(request: AnyRequest) -> bool:
    """自收款: in this agent's shop its customers pay it, never us."""
    door, shop = door_of(request), viewer_of(request).shop
    agent = None if shop is None else door.snapshot.directory.agents.get(shop.org_id)
    return agent is not None and agent.self_collected


def chosen_of(offered: Iterable[tuple[Method, Scene]], device: str) -> list[Way]:
    """The best scene of each method for a device. Pure."""
    known = frozenset(offered)
    found = []
    for method in NAMES:
        scene = payments.best_scene(known, method, device)
        if scene is not None:
            found.append(Way(method, scene))
    return found


async def way_of(
    request: AnyRequest, organisation: Organisation, amount_e4: int, method: str, *, is_recharge: bool = False
) -> Way:
    """The way of this method, if it can be had now; ``NoChannel`` else."""
    offered = await ways(request, organisation, amount_e4, is_recharge=is_recharge)
    way = next((one for one in offered if one.method == method), None)
    if way is None:
        raise payments.NoChannel(field="method")
    return way


async def begin(
    request: AnyRequest, due: Due, method: str, *, with_wallet: bool = False, is_elsewhere: bool = False
) -> None:
    """Another attempt, or the one that is shown already; ``with_wallet``: the wallet adds what it has (组合支付);
    ``is_elsewhere``: through another channel, for what is shown does not work. Raises what payments refuse; no answer
    yet is no refusal."""
    part_e4 = due.part_e4 if with_wallet else 0
    way = await way_of(request, due.organisation, due.rest_e4 - part_e4, method, is_recharge=due.is_to_us)
    await begin_with(request, due, way, part_e4=part_e4, is_elsewhere=is_elsewhere)


async def begin_with(
    request: AnyRequest, due: Due, way: Way, *, part_e4: int = 0, payer_id: str = "", channel_id: int | None = None,
    is_elsewhere: bool = False,
) -> None:  # fmt: skip
    """By this way; ``part_e4`` from the wallet; ``payer_id`` and the account that knows him by it are for a provider's
    own sheet."""
    viewer, cashier = viewer_of(request), door_of(request).cashier
    payer = payments.Payer(
        client_ip=viewer.ip, return_url=f"{origin_of(request)}{due.path}", subject=due.title, payer_id=payer_id,
        channel_id=channel_id, is_elsewhere=is_elsewhere, device=device_of(request),
        region=await places.region_of(viewer.ip),
    )  # fmt: skip
    try:
        if due.collection is not None:
            await payments.begin_collection(
                cashier, due.organisation, due.collection, method=way.method, scene=way.scene, payer=payer
            )
        elif due.recharge_ref is None:
            await payments.begin_order(
                cashier, due.organisation, due.payable_id, method=way.method, scene=way.scene, payer=payer,
                wallet_e4=part_e4,
            )  # fmt: skip
        else:
            await payments.begin_recharge(
                cashier, due.organisation, due.amount_e4, client_ref=due.recharge_ref, method=way.method,
                scene=way.scene, payer=payer,
            )  # fmt: skip
    except payments.PaymentUnknown:
        return  # it is asked about, and its page says so


# the page ----------------------------------------------------------------------------------------------------


async def show(
    request: AnyRequest, due: Due, form: Filled | None = None, *, status: int = 200, is_within: bool = False
) -> Response[Any]:
    """Where it stands now; on to the goods once it is paid. Asked again by the page every few seconds."""
    if not due.is_recharge and due.collection is None and due.state in ("paid", "cancelled"):
        return way_on(request, due.back)
    now = clock.now()
    latest = await _latest(request, due)
    stage = stage_of(due, latest, now)
    offered: list[Way] = []
    if stage in ("choose", "asked", "shown"):
        offered = await ways(request, due.organisation, due.rest_e4, is_recharge=due.is_to_us)
    shown = latest.shown if latest is not None and stage == "shown" else None
    left_s = 0 if due.expires_at is None else max(0, int((due.expires_at - now).total_seconds()))
    answer = page(
        request, "till/pay.html", status=status, due=due, stage=stage, latest=latest, shown=shown, ways=offered,
        picture=_picture(shown), leads_to=address_of(shown), simulated=simulated(shown), left_s=left_s,
        names=NAMES, has_failed=latest is not None and latest.state is State.failed, device=device_of(request),
        form=form or forms.blank(viewer_of(request).words), is_within=is_within and bool(offered),
    )  # fmt: skip
    if shown is not None and shown.kind == "form":
        answer.headers["content-security-policy"] = _policy(address_of(shown))
    return answer


async def choose(request: AnyRequest, due: Due) -> Response[Any]:
    """Pay with this from now on: the attempt before is closed at its provider."""
    sent = await request.form()
    try:
        method, is_elsewhere = str(sent.get("method", "")), bool(sent.get("elsewhere"))
        await begin(request, due, method, with_wallet=bool(sent.get("part")), is_elsewhere=is_elsewhere)
    except payments.NotPayable:
        pass  # it was paid, or is over: the page says which
    except Refusal as refusal:
        form = forms.blank(viewer_of(request).words)
        said = isinstance(refusal, payments.NoChannel)
        form.general = form.words.say(UNDONE) if said else message_of(refusal, form.words)
        return await show(request, due, form, status=refusal.status)
    return way_on(request, due.path)


async def look(request: AnyRequest, due: Due) -> Response[Any]:
    """我已支付: its provider is asked at once."""
    latest = await _latest(request, due)
    if latest is None or not latest.is_open:
        return way_on(request, due.path)
    found = await payments.query_now(door_of(request).cashier, latest.payment_id)
    return way_on(request, due.path, said="" if found.state is State.paid else NOT_YET)


async def _latest(request: AnyRequest, due: Due) -> Payment | None:
    try:
        return (await payments.find_payments(door_of(request).cashier, due.organisation, due.payable_id))[-1]
    except payments.NoSuchPayment:
        return None


def stage_of(due: Due, latest: Payment | None, now: datetime) -> str:
    """``paid``, ``expired``; ``shown`` and ``asked`` (its provider has not answered) of the latest attempt; else
    ``choose``. Pure."""
    if due.state != "open":
        return due.state
    if due.expires_at is not None and due.expires_at <= now:
        return "expired"
    if latest is None or not latest.is_open:
        return "choose"
    return "shown" if latest.state is State.waiting and latest.shown is not None else "asked"


# what a provider shows ---------------------------------------------------------------------------------------


def _picture(shown: Shown | None) -> str:
    """A code to scan, as an SVG that stands in the page itself."""
    if shown is None or shown.kind != "qr":
        return ""
    return segno.make(shown.text, error="m", micro=False).svg_data_uri(
        scale=6, border=3, dark="#000000", light="#ffffff", xmldecl=False
    )


def address_of(shown: Shown | None) -> str:
    """Where a payer is led; '' for what is no address of the web, whoever sent it."""
    if shown is None or shown.kind not in ("redirect", "form"):
        return ""
    return shown.text if shown.text.startswith(("https://", "http://")) else ""


def simulated(shown: Shown | None) -> str:
    """The page of our own simulator behind a code: no provider's code leads to this machine itself."""
    if shown is None or shown.kind != "qr":
        return ""
    parts = urlsplit(shown.text)
    try:
        is_here = parts.scheme == "http" and ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return ""
    return shown.text if is_here else ""


def _policy(address: str) -> str:
    """A form goes to its provider, which may lead on to another host of its own."""
    parts = urlsplit(address)
    is_plain = parts.scheme == "http" and NETLOC.fullmatch(parts.netloc) is not None
    more = f" http://{parts.netloc}" if is_plain else ""
    return CSP.replace("form-action 'self'", f"form-action 'self' https:{more}")
