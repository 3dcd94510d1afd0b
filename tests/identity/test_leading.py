"""The agent tree: founded and moved without cycles, in memory true to the epoch, with its limits written down."""

from __future__ import annotations

from typing import Any

import pytest

from kameng import identity
from kameng.identity import NO_CHAIN, BadOrganisationSettings, Directory, NoSuchOrganisation, Organisation
from kameng.kit import epochs
from laws.world import World


async def found(world: World, name: str, parent: Organisation | None = None, kind: str = "agent") -> Organisation:
    async with world.db.transaction() as connection:
        parent_id = None if parent is None else parent.org_id
        return await identity.found(connection, name=name, kind=kind, level=len(name), parent_id=parent_id)


async def line_of(world: World, depth: int) -> list[Organisation]:
    """Agents, each under the one before."""
    agents = [await found(world, "a")]
    while len(agents) < depth:
        agents.append(await found(world, "a" * (len(agents) + 1), agents[-1]))
    return agents


async def move(world: World, org_id: int, parent_id: int | None, reason: str = "合同 3") -> Organisation:
    async with world.db.transaction() as connection:
        return await identity.move(connection, org_id, parent_id, reason=reason, actor_id=7)


async def directory_of(world: World, known: Directory | None = None) -> Directory:
    directory = Directory(world.db, world.ring) if known is None else known
    async with world.db.connection() as connection:
        epoch = (await epochs.read(connection))["identity"]
        await (directory.refresh if known else directory.start)(connection, epoch)
    return directory


async def test_a_chain_of_any_depth_is_in_memory_from_the_top(world: World) -> None:
    agents = await line_of(world, 12)
    buyer = await found(world, "buyer", agents[-1], "merchant")
    directory = await directory_of(world)
    chain = directory.chain_of(buyer)
    assert chain.agents == tuple(agents)
    assert chain.links == tuple((agent.org_id, depth) for depth, agent in enumerate(agents, 1))
    assert (chain.is_open, chain.seller) == (True, agents[-1])
    assert directory.chain_of(agents[0]) is NO_CHAIN
    async with world.db.connection() as connection:
        assert await identity.ancestors(connection, buyer) == agents[::-1]
        assert [child.org_id for child in await identity.children(connection, agents[-1].org_id)] == [buyer.org_id]


async def test_a_chain_follows_every_change_above(world: World) -> None:
    agents = await line_of(world, 3)
    buyer = await found(world, "buyer", agents[2], "merchant")
    directory = await directory_of(world)
    assert directory.chain_of(buyer).is_open
    await identity.set_organisation(world.db, agents[0].org_id, state="suspended")
    assert not (await directory_of(world, directory)).chain_of(buyer).is_open
    await identity.set_organisation(world.db, agents[0].org_id, state="active", level=50)
    assert (await directory_of(world, directory)).chain_of(buyer).links[0] == (agents[0].org_id, 50)
    await move(world, agents[2].org_id, agents[0].org_id)
    links = (await directory_of(world, directory)).chain_of(buyer).links
    assert links == ((agents[0].org_id, 50), (agents[2].org_id, 3))


async def test_a_key_met_before_its_agents_brings_them(world: World) -> None:
    directory = await directory_of(world)
    agents = await line_of(world, 3)
    async with world.db.transaction() as connection:
        buyer = await identity.found(connection, name="buyer", parent_id=agents[2].org_id)
        issued = await identity.issue_key(connection, world.ring, buyer, name="key")
    assert await directory.key(issued.key_id) is not None
    assert directory.chain_of(directory.organisations[buyer.org_id]).agents == tuple(agents)


async def test_no_move_makes_a_cycle(world: World) -> None:
    agents = await line_of(world, 4)
    for under in agents:
        with pytest.raises(BadOrganisationSettings) as refused:
            await move(world, agents[0].org_id, under.org_id)
        assert refused.value.field == "parent"
    assert await world.scalar("SELECT count(*) FROM organisation WHERE parent_id IS NOT NULL") == 3
    assert await world.scalar("SELECT count(*) FROM audit_line WHERE act = 'organisation.move'") == 0


async def test_an_organisation_moves_with_its_sandbox_and_it_is_written_down(world: World) -> None:
    agents = await line_of(world, 2)
    merchant = await world.merchant(money_e4=0)
    for under in (agents[1].org_id, None):
        assert (await move(world, merchant.org_id, under)).parent_id == under
        rows = await world.rows("SELECT parent_id FROM organisation WHERE name LIKE 'merchant%'")
        assert [row[0] for row in rows] == [under, under]
    named = str(agents[1].org_id)
    rows = await world.rows("SELECT data, actor_id FROM audit_line WHERE act = 'organisation.move' ORDER BY audit_id")
    assert [tuple(row) for row in rows] == [
        ({"before": None, "after": named, "reason": "合同 3"}, 7),
        ({"before": named, "after": None, "reason": "合同 3"}, 7),
    ]
    with pytest.raises(BadOrganisationSettings):
        await move(world, merchant.member.sandbox.org_id, agents[0].org_id)


@pytest.mark.parametrize("kind", ["merchant", "supplier", "sandbox", "nobody", "closed"])
async def test_only_an_agent_leads_others(world: World, kind: str) -> None:
    agent = await found(world, "a", kind=kind if kind in ("merchant", "supplier") else "agent")
    if kind == "sandbox":
        async with world.db.transaction() as connection:
            agent = await identity.found_sandbox(connection, agent)
    if kind == "closed":
        agent = await identity.set_organisation(world.db, agent.org_id, state="closed")
    parent_id = 4711 if kind == "nobody" else agent.org_id
    with pytest.raises(NoSuchOrganisation if kind == "nobody" else BadOrganisationSettings) as refused:
        async with world.db.transaction() as connection:
            await identity.found(connection, name="b", parent_id=parent_id)
    assert refused.value.field == "parent"
    assert await world.scalar("SELECT count(*) FROM organisation WHERE name = 'b'") == 0


async def test_the_customers_of_who_collects_itself_are_in_its_lane(world: World) -> None:
    agent = await found(world, "a")
    elsewhere = await found(world, "m", agent, "merchant")
    assert elsewhere.lane != agent.lane
    terms: dict[str, Any] = {"self_collected": True}
    with pytest.raises(BadOrganisationSettings) as refused:
        await identity.set_terms(world.db, agent.org_id, terms, reason="合同")
    assert refused.value.field == "self_collected"
    await move(world, elsewhere.org_id, None)
    assert (await identity.set_terms(world.db, agent.org_id, terms, reason="合同")).self_collected
    customers = [await found(world, "c", agent, "merchant") for _ in range(3)]
    assert {customer.lane for customer in customers} == {agent.lane}
    assert (await found(world, "b", agent)).lane != agent.lane  # an agent pays for itself, and its lane has the fewest
    with pytest.raises(BadOrganisationSettings):
        await move(world, elsewhere.org_id, agent.org_id)
    assert await world.scalar("SELECT parent_id FROM organisation WHERE org_id = $1", elsewhere.org_id) is None


async def test_limits_are_set_taken_away_and_written_down(world: World) -> None:
    agent = await found(world, "a")
    limits = {"minimum_balance_e4": 5, "day_budget_e4": 70, "month_budget_e4": 900}
    new = await identity.set_terms(world.db, agent.org_id, limits, reason="合同", actor_id=7)
    assert (new.minimum_balance_e4, new.day_budget_e4, new.month_budget_e4) == (5, 70, 900)
    less = await identity.set_terms(world.db, agent.org_id, {"day_budget_e4": None}, reason="放开")
    assert less == (await directory_of(world)).agents[agent.org_id]
    assert (less.minimum_balance_e4, less.day_budget_e4, less.month_budget_e4) == (5, None, 900)
    rows = await world.rows("SELECT data FROM audit_line WHERE act = 'organisation.terms' ORDER BY audit_id")
    assert [row[0] for row in rows] == [limits | {"reason": "合同"}, {"day_budget_e4": None, "reason": "放开"}]
    for name in limits:
        with pytest.raises(BadOrganisationSettings) as refused:
            await identity.set_terms(world.db, agent.org_id, {name: 0}, reason="合同")
        assert refused.value.field == name.removesuffix("_e4")


async def test_only_an_agent_collects_itself(world: World) -> None:
    merchant = await found(world, "m", kind="merchant")
    with pytest.raises(BadOrganisationSettings) as refused:
        await identity.set_terms(world.db, merchant.org_id, {"self_collected": True}, reason="合同")
    assert refused.value.detail_zh == "自收款：仅代理可以自收款"
