"""What the steps of coming in share: tickets in a cookie, where it goes once in, in whose name codes go out."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from litestar import Response
from litestar.datastructures import Cookie

from kameng import access, identity
from kameng.access import Applicant, Contact, Entry, Sender, Site, Ticket, Token, Visit
from kameng.identity import Organisation
from kameng.kit.settings import Settings
from kameng.web import viewing
from kameng.web.answering import way_on
from kameng.web.entrance.belonging import places_at, places_within
from kameng.web.forms import Wrong
from kameng.web.parts import AnyRequest, Door, door_of
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

SESSION_S = 90 * 24 * 3600
"""As long as the longest session; how long one really lasts the database says."""
YEAR_S = 365 * 24 * 3600
STEP, KEY = "kameng_step", "kameng_key"
"""Tickets on the way in; and of passkeys, which are asked for beside another step and may come to nothing."""
HOMES = {"platform": "/console", "supplier": "/supplier", "merchant": "/merchant", "agent": "/merchant"}


def visit_of(request: AnyRequest) -> Visit:
    viewer = viewer_of(request)
    return Visit(viewer.ip, viewer.agent)


def site_of(request: AnyRequest) -> Site:
    """The domain that passkeys are made at and used at."""
    origin, shop = origin_of(request), viewer_of(request).shop
    return Site(urlsplit(origin).hostname or "", origin, shop.name if shop else "Kameng 卡盟")


def origin_of(request: AnyRequest) -> str:
    """As the browser spells it. Its own Host: what a browser signs with another one does not fit."""
    scheme = "http" if door_of(request).settings.tls_certificate == "off" and not _by_tls(request) else "https"
    return f"{scheme}://{request.headers.get('host', '')}"


def _by_tls(request: AnyRequest) -> bool:
    """A proxy of ours speaks TLS for us."""
    return door_of(request).settings.public_url.startswith("https://")


def base_of(request: AnyRequest) -> str:
    """Where links in messages lead: never to a host that the request alone names."""
    door, viewer = door_of(request), viewer_of(request)
    if viewer.shop is not None and viewer.shop.domain:
        return f"https://{viewer.shop.domain}"
    chosen = door.settings
    scheme = "http" if chosen.tls_certificate == "off" else "https"
    return chosen.public_url.rstrip("/") or f"{scheme}://{chosen.host}:{chosen.port}"


async def seller_of(door: Door, viewer: viewing.Viewer) -> Organisation:
    """Whose shop it is: an agent's, or the platform's own."""
    async with door.db.connection() as connection:
        found = None
        if viewer.shop is not None:
            found = await identity.find_organisation(connection, viewer.shop.org_id)
        found = found or await identity.find_house(connection)
    assert found is not None, "the house is founded before anything is served"
    return found


async def sender_of(door: Door, viewer: viewing.Viewer) -> Sender:
    seller = await seller_of(door, viewer)
    name = viewer.shop.name if viewer.shop else seller.name
    return Sender(seller.org_id, name, viewer.language, channels_of(door.settings))


def channels_of(chosen: Settings) -> tuple[str, ...]:
    """The ways by which codes can be sent here."""
    return (*(("sms",) if chosen.sms_url else ()), *(("mail",) if chosen.smtp_host else ()))


def contact_of(door: Door, text: str) -> Contact:
    """``BadContact``; ``NoCodesHere`` if nothing can be sent to it."""
    contact = access.read_contact(text)
    if contact is None:
        raise access.BadContact(field="contact")
    if contact.channel not in channels_of(door.settings):
        raise access.NoCodesHere(field="contact")
    return contact


def new_password(sent: str) -> str:
    """A field's parser: what is wrong with it is shown beside all else that is."""
    try:
        access.check_new_password(sent)
    except access.BadPassword:
        raise Wrong(N_("10 to 200 characters, and none of the passwords that everybody tries first.")) from None
    return sent


# tickets -----------------------------------------------------------------------------------------------------


def step_cookie(request: AnyRequest, ticket: Ticket | None) -> Cookie:
    """Set-Cookie of a ticket; None: it is spent."""
    door = door_of(request)
    if ticket is None:
        return viewing.new_cookie(door, STEP, "", max_age_s=0)
    sealed = access.seal_ticket(door.ring, viewer_of(request).visitor, ticket)
    return viewing.new_cookie(door, KEY if ticket.step == "passkey" else STEP, sealed, max_age_s=600)


def ticket_of(request: AnyRequest, step: str, purpose: str = "") -> Ticket | None:
    door = door_of(request)
    text = request.cookies.get(viewing.cookie_name(door, KEY if step == "passkey" else STEP), "")
    return access.unseal_ticket(door.ring, viewer_of(request).visitor, text, step=step, purpose=purpose)


def session_cookie(request: AnyRequest, token: Token) -> Cookie:
    return viewing.new_cookie(door_of(request), viewing.SESSION, token.text, max_age_s=SESSION_S)


# in ----------------------------------------------------------------------------------------------------------


async def go_in(request: AnyRequest, entry: Entry, *, factor: str, onward: str) -> Response[Any]:
    """In, or to the second factor first."""
    if entry.token is not None:
        return await enter(request, entry.token, onward)
    ticket = Ticket("second", person_id=entry.person_id, factor=factor, onward=onward)
    return way_on(request, "/signin/second", cookies=[step_cookie(request, ticket)])


async def enter(request: AnyRequest, token: Token, onward: str) -> Response[Any]:
    """In: working for the organisation that suits the shop he came to. Whom the shop does not know is refused as one
    with a wrong password is."""
    door, viewer = door_of(request), viewer_of(request)
    chosen = await _place_for(request, token)
    async with door.db.connection() as connection:
        session = await access.find_session(connection, token.text)
    if session is not None:
        await access.work_for(door.db, session, chosen.org_id)
        onward = HOMES.get(chosen.kind, "/") if onward == "/" else onward
    cookies = [
        session_cookie(request, token), step_cookie(request, None),
        viewing.new_cookie(door, viewing.VISITOR, viewing.new_visitor(), max_age_s=YEAR_S),
    ]  # fmt: skip
    if viewer.session is not None:  # whoever was signed in here before is not any more
        await access.end_session(door.db, viewer.token)
    return way_on(request, onward, cookies=cookies)


async def _place_for(request: AnyRequest, token: Token) -> Organisation:
    """Of what this shop knows: the seller himself, else what he belonged to first. Who belongs nowhere yet becomes a
    customer of the platform's own shop."""
    door, viewer = door_of(request), viewer_of(request)
    places = await places_within(door, viewer.shop, token)
    known = [one for _, one in places if one.state != "closed"]
    if not known:
        return await new_customer(door, viewer, token.person_id)
    seller = await seller_of(door, viewer)
    return next((one for one in known if one.org_id == seller.org_id), known[0])


async def belong(request: AnyRequest, person_id: int) -> None:
    """Whoever has shown that an address is his belongs to the shop he came to: as a customer, if as nothing else yet.
    So nobody learns there whether the address had an account elsewhere, and he has one everywhere he asks for it."""
    door, viewer = door_of(request), viewer_of(request)
    if not await places_at(door, viewer.shop, person_id) and await door.switches.is_on("registration"):
        await new_customer(door, viewer, person_id)


async def new_customer(door: Door, viewer: viewing.Viewer, person_id: int) -> Organisation:
    person = await identity.find_person(door.db, person_id)
    seller = await seller_of(door, viewer)
    return await access.open_account(door.db, person_id, Applicant("customer", person.name, ""), seller=seller)
