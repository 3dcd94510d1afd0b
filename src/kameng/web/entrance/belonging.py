"""Whom somebody may work for at the shop that he came to: customers of one shop are nobody at another."""

from __future__ import annotations

from kameng import access, identity, shops
from kameng.access import Token
from kameng.identity import Membership, Organisation
from kameng.shops import Shop
from kameng.web.parts import Door


def is_agents(shop: Shop | None) -> bool:
    return shop is not None and not shop.is_house


async def places_at(door: Door, shop: Shop | None, person_id: int) -> list[tuple[Membership, Organisation]]:
    """Where he belongs, of what this shop knows."""
    places = await identity.memberships(door.db, person_id)
    async with door.db.connection() as connection:
        found = [await identity.find_organisation(connection, place.org_id) for place in places]
    return [
        (place, one) for place, one in zip(places, found, strict=True) if one is not None and shops.serves(shop, one)
    ]


async def places_within(door: Door, shop: Shop | None, token: Token) -> list[tuple[Membership, Organisation]]:
    """The same for whoever just signed in. Whom an agent's shop does not know is told what a wrong password is told,
    and his session is over: nobody finds out that he is a customer elsewhere."""
    places = await places_at(door, shop, token.person_id)
    if not places and (is_agents(shop) or await identity.memberships(door.db, token.person_id)):
        await access.end_session(door.db, token.text)
        raise access.SignInRefused(field="password")
    return places
