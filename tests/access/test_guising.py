"""Looking at pages as somebody else: with a reason, for a while, never as one of the house; each page a line."""

from __future__ import annotations

import pytest

from kameng import access, identity
from kameng.access import BadGuise, Guise, Session
from kameng.identity import Organisation
from kameng.kit import clock
from kameng.ops import founding
from laws.world import World


async def person(world: World, organisation: Organisation, role: str, name: str) -> int:
    person_id = await identity.enrol(world.db, sign_in=name, name=name)
    await identity.join(world.db, organisation, person_id, role)
    return person_id


async def session_of(world: World, person_id: int, organisation: Organisation) -> Session:
    token = await access.begin_session(
        world.db, person_id, factor="password", visit=access.Visit("127.0.0.1", "test"), org_id=organisation.org_id
    )
    async with world.db.connection() as connection:
        found = await access.find_session(connection, token.text)
    assert found is not None
    return found


async def guise_of(world: World, session: Session) -> Guise | None:
    async with world.db.connection() as connection:
        return await access.guise_of(connection, session)


async def test_for_a_while_and_written_down(world: World) -> None:
    house = await founding.found_house(world.db)
    member = (await founding.found_member(world.db, world.ring, "商户")).organisation
    clerk = await person(world, member, "clerk", "clerk@m")
    session = await session_of(world, await person(world, house, "owner", "owner@h"), house)
    assert await guise_of(world, session) is None
    guise = await access.begin_guise(world.db, session, clerk, member.org_id, reason="核对", may_write=False)
    assert await guise_of(world, session) == guise
    await access.note_view(world.db, session, guise, "GET", "/merchant")
    with clock.hold(clock.now_ms() + 31 * 60_000):
        assert await guise_of(world, session) is None
    await access.end_guise(world.db, session, guise)
    assert await guise_of(world, session) is None
    lines = "SELECT array_agg(act ORDER BY audit_id) FROM audit_line WHERE act LIKE 'guise.%' AND actor_id = $1"
    assert await world.scalar(lines, session.person_id) == ["guise.begin", "guise.view", "guise.end"]


async def test_nobody_of_the_house_nobody_from_elsewhere_and_never_without_a_reason(world: World) -> None:
    house = await founding.found_house(world.db)
    member = (await founding.found_member(world.db, world.ring, "商户")).organisation
    owner = await person(world, house, "owner", "owner@h")
    both = await person(world, member, "owner", "both@m")
    await identity.join(world.db, house, both, "support")
    clerk = await person(world, member, "clerk", "clerk@m")
    session = await session_of(world, owner, house)
    for who, where, reason in (
        (owner, house.org_id, "x"), (both, member.org_id, "x"), (clerk, house.org_id, "x"), (clerk, member.org_id, " "),
        (1, member.org_id, "x"),
    ):  # fmt: skip
        with pytest.raises(BadGuise):
            await access.begin_guise(world.db, session, who, where, reason=reason, may_write=False)
    assert await guise_of(world, session) is None
    assert await world.scalar("SELECT count(*) FROM audit_line WHERE act LIKE 'guise.%'") == 0
