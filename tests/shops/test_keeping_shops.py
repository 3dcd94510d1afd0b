"""Opening and changing shops: what is refused, what is written down, and that gateways follow."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from kameng import access, identity, shops
from kameng.identity import NoSuchOrganisation
from kameng.kit import audit
from kameng.kit.ids import ID_MAX
from kameng.ops import founding
from kameng.shops import BadShop, NoSuchShop, Shop, Shops
from laws.world import Merchant, World

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
WEBP = b"RIFF\x00\x00\x00\x00WEBPVP8 "


@pytest.fixture
async def agent(world: World) -> Merchant:
    (found,) = await world.agents(1)
    await shops.open_shop(world.db, Shop(found.org_id, None, "江南数卡"))
    return found


async def stands(world: World, agent: Merchant) -> Shop:
    async with world.db.connection() as connection:
        found = await shops.find_shop(connection, agent.org_id)
    assert found is not None
    return found


async def said(world: World, agent: Merchant, act: str) -> Any:
    """What the newest audit line of this act says."""
    lines = await audit.read(world.db, audit.Asked(org_id=agent.org_id, act=act), before_id=ID_MAX, limit=1)
    return (lines[0].actor_id, lines[0].data)


async def test_only_the_platform_and_agents_have_a_shop_and_one_each(world: World, agent: Merchant) -> None:
    assert not await shops.open_shop(world.db, Shop(agent.org_id, None, "第二家"))
    merchant = await world.merchant()
    for org_id in (merchant.org_id, agent.sandbox.organisation.org_id, 4711 << 22):
        with pytest.raises(BadShop) as refused:
            await shops.open_shop(world.db, Shop(org_id, None, "不行"))
        assert refused.value.field == "organisation"
    house = await founding.found_house(world.db)
    async with world.db.connection() as connection:
        found = {shop.org_id: (shop.name, shop.is_house) for shop in await shops.all_shops(connection)}
    assert found == {agent.org_id: ("江南数卡", False), house.org_id: ("卡盟", True)}


async def test_a_change_is_written_down_with_before_and_after(world: World, agent: Merchant) -> None:
    await shops.set_shop(world.db, agent.org_id, actor_id=7, name="江南数卡", notice="一\n二", accent="#c2410c")
    assert await said(world, agent, "shop.set") == (
        7, {"before": {"accent": "", "notice": ""}, "after": {"accent": "#c2410c", "notice": "一\n二"}}
    )  # fmt: skip
    assert (await stands(world, agent)).accent == "#c2410c"
    with pytest.raises(NoSuchShop):
        await shops.set_shop(world.db, agent.org_id + 4096, actor_id=7, name="x")


@pytest.mark.parametrize(
    "change",
    [{"name": ""}, {"name": " "}, {"name": "x" * 41}, {"accent": "red"}, {"accent": "#FFF000"}, {"notice": "x" * 501},
     {"footer": "a\x00b"}, {"icp": "x" * 41}, {"state": "gone"}],
)  # fmt: skip
async def test_what_cannot_be_is_refused_and_changes_nothing(
    world: World, agent: Merchant, change: dict[str, str]
) -> None:
    before = await stands(world, agent)
    with pytest.raises(BadShop) as refused:
        await shops.set_shop(world.db, agent.org_id, actor_id=7, **change)
    assert [refused.value.field] == list(change)
    assert refused.value.detail_zh
    assert await stands(world, agent) == before


@pytest.mark.parametrize(("content", "ending"), [(PNG, "png"), (b"\xff\xd8\xff\xe0" + bytes(9), "jpg"), (WEBP, "webp")])
async def test_a_picture_is_what_its_first_bytes_say(
    world: World, agent: Merchant, content: bytes, ending: str
) -> None:
    shop = await shops.set_logo(world.db, agent.org_id, content, actor_id=7)
    assert shop.logo == f"{shops.digest_of(content)}.{ending}"
    async with world.db.connection() as connection:
        assert await shops.read_logo(connection, shop, shop.logo) == (
            content, {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp"}[ending]
        )  # fmt: skip
        assert await shops.read_logo(connection, shop, "0000000000000000.png") is None
    assert await said(world, agent, "shop.logo") == (7, {"before": "", "after": shop.logo})
    gone = await shops.set_logo(world.db, agent.org_id, None, actor_id=7)
    assert gone.logo == ""
    assert await world.rows("SELECT 1 FROM shop_logo") == []


@pytest.mark.parametrize("content", [b"", b"<svg/>", b"GIF89a", b"RIFF0000WAVE", PNG + bytes(200 * 1024)])
async def test_what_is_no_picture_or_too_large_is_refused(world: World, agent: Merchant, content: bytes) -> None:
    with pytest.raises(BadShop) as refused:
        await shops.set_logo(world.db, agent.org_id, content, actor_id=7)
    assert refused.value.field == "logo"
    assert await world.rows("SELECT 1 FROM shop_logo") == []


async def test_a_domain_waits_until_an_operator_has_seen_it(world: World, agent: Merchant) -> None:
    gateway = Shops(world.db)
    (other,) = await world.agents(0)
    await shops.open_shop(world.db, Shop(other.org_id, None, "乙"))
    for one in (agent, other):  # asking is no claim: both may
        asked = await shops.ask_domain(world.db, one.org_id, " Shop.Example.COM. ", actor_id=7)
        assert (asked.domain, asked.domain_wanted) == (None, "shop.example.com")
        assert asked.domain_proof.startswith("kameng-shop=")
    await gateway.refresh()
    assert gateway.at("shop.example.com") is None
    assert {shop.org_id for shop in gateway.waiting()} == {agent.org_id, other.org_id}
    with pytest.raises(BadShop):  # not what its owner asks for
        await shops.decide_domain(world.db, agent.org_id, "other.example.com", accept=True, actor_id=1)
    await shops.decide_domain(world.db, agent.org_id, "shop.example.com", accept=True, actor_id=1, reason="TXT 已核实")
    with pytest.raises(BadShop) as taken:
        await shops.decide_domain(world.db, other.org_id, "shop.example.com", accept=True, actor_id=1)
    assert taken.value.field == "domain"
    with pytest.raises(BadShop) as unsaid:
        await shops.decide_domain(world.db, other.org_id, "shop.example.com", accept=False, actor_id=1)
    assert unsaid.value.field == "reason"
    refused = await shops.decide_domain(
        world.db, other.org_id, "shop.example.com", accept=False, actor_id=1, reason="属于别人"
    )
    assert (refused.domain, refused.domain_wanted, refused.domain_answer) == (None, None, "属于别人")
    assert (await said(world, agent, "shop.domain.accept"))[1] == {
        "before": None, "asked": "shop.example.com", "reason": "TXT 已核实"
    }  # fmt: skip
    await shops.ask_domain(world.db, agent.org_id, "new.example.com", actor_id=7)
    kept = await shops.drop_domain(world.db, agent.org_id, actor_id=7)
    assert (kept.domain, kept.domain_wanted) == ("shop.example.com", None)
    assert (await shops.drop_domain(world.db, agent.org_id, actor_id=7)).domain is None


@pytest.mark.parametrize("domain", ["localhost", "a b.com", "http://a.com", "a..com", "1.2.3.4", "x" * 254, "a.com/x"])
async def test_what_is_no_domain_is_refused(world: World, agent: Merchant, domain: str) -> None:
    with pytest.raises(BadShop) as refused:
        await shops.ask_domain(world.db, agent.org_id, domain, actor_id=7)
    assert refused.value.field == "domain"


async def test_a_gateway_follows_what_changed(world: World, agent: Merchant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kameng.shops.windows.Shops.AGE_MAX_S", 0)  # else a second goes by
    gateway = Shops(world.db)
    await gateway.refresh()
    await shops.choose_goods(world.db, agent.org_id, "chosen", {("sku", str(world.card.sku_id)): True}, actor_id=7)
    await gateway.refresh()
    found = gateway.of(agent.org_id)
    assert found is not None
    assert [found.shows(sku) for sku in (world.card, world.half_card)] == [True, False]
    await shops.choose_goods(world.db, agent.org_id, "all", {("scene", world.card.scene): False}, actor_id=7)
    await gateway.refresh()
    found = gateway.of(agent.org_id)
    assert found is not None
    assert [found.shows(sku) for sku in (world.card, world.phone)] == [False, True]
    assert (await said(world, agent, "shop.goods"))[1] == {
        "sells": ["chosen", "all"], "set": {"scene:游戏": False}, "gone": [f"sku:{world.card.sku_id}"]
    }  # fmt: skip
    many = {("brand", str(n)): True for n in range(2001)}
    with pytest.raises(BadShop):
        await shops.choose_goods(world.db, agent.org_id, "all", many, actor_id=7)


async def test_an_agent_is_founded_below_with_a_wallet_and_somebody_who_signs_in(world: World, agent: Merchant) -> None:
    parent = agent.caller.organisation
    made = await shops.recruit(
        world.db, parent, name="城东数卡", level=3, sign_in="east@test.kameng", owner="小东", actor_id=7
    )
    assert msgspec.structs.replace(made.organisation, org_id=0) == identity.Organisation(
        0, "城东数卡", "agent", 3, "active", "CNY", None, False, parent.org_id
    )
    visit = access.Visit("127.0.0.1", "test")
    person_id = (await access.sign_in(world.db, world.ring, "east@test.kameng", made.first_password, visit)).person_id
    async with world.db.connection() as connection:
        assert await identity.role_of(connection, made.organisation.org_id, person_id) == "owner"
        assert await shops.buyer_of(connection, parent, made.organisation.org_id) == made.organisation
    assert made.first_password not in repr(made)
    # Who signs in already keeps his password, and the one who founds can't tell.
    again = await shops.recruit(
        world.db, parent, name="城西数卡", level=0, sign_in="EAST@test.kameng", owner="小东", actor_id=7
    )
    with pytest.raises(access.SignInRefused):
        await access.sign_in(world.db, world.ring, "east@test.kameng", again.first_password, visit)
    same = await access.sign_in(world.db, world.ring, "east@test.kameng", made.first_password, visit)
    assert same.person_id == person_id
    await world.assert_clean()


async def test_nobody_leads_another_agents_buyers(world: World, agent: Merchant) -> None:
    (other,) = await world.agents(0)
    mine, theirs = await world.merchant(parent=agent), await world.merchant(parent=other)
    async with world.db.connection() as connection:
        parent = agent.caller.organisation
        assert (await shops.buyer_of(connection, parent, mine.org_id)).org_id == mine.org_id
        for org_id in (theirs.org_id, other.org_id, agent.org_id, mine.sandbox.organisation.org_id, 4711 << 22):
            with pytest.raises(NoSuchOrganisation):
                await shops.buyer_of(connection, parent, org_id)
        page = await identity.list_children(
            connection, agent.org_id, kinds=("customer", "merchant"), before_id=ID_MAX, limit=10
        )
        assert [one.org_id for one in page] == [mine.org_id]
        assert await identity.list_children(
            connection, agent.org_id, kinds=("merchant",), before_id=mine.org_id, limit=10
        ) == []  # fmt: skip
