"""Links and cards to choose from, as a client meets them; a supplier's live stock and what he takes off."""

from __future__ import annotations

import asyncio
from typing import Any

from kameng import catalogue, stock
from kameng.catalogue import Sku
from kameng.identity import ALL_SCOPES
from kameng.ops import founding
from kameng.ops.founding import Member
from running import Platform

PICK = "卡号,卡密,靓号,加价\n1380000{n}1,SECRET-{n}1,尾号 {n}1,20\n1380000{n}2,SECRET-{n}2,,\n"


async def skus(platform: Platform) -> dict[str, Sku]:
    async with platform.db.connection() as connection:
        found = (await catalogue.load(connection, None, 1 << 40)).skus.values()
    return {f"{sku.product} {sku.spec}": sku for sku in found}


async def load(platform: Platform, sku: Sku, text: str, **more: Any) -> stock.LoadReport:
    return await stock.load_file(
        platform.db, platform.ring, text.encode(), sku_id=sku.sku_id, file_name="f.csv", **more
    )


async def test_a_link_comes_as_url_and_its_host_alone_without_the_right(platform: Platform) -> None:
    sku = (await skus(platform))["星巴克电子券 30"]
    assert sku.kind == "link"
    await load(platform, sku, "链接,有效期\nhttps://redeem.example.com/c/1?k=a,2099-12-31\n"
                              "https://redeem.example.com/c/2,\n")  # fmt: skip
    placed = await platform.place("L-1", sku)
    link = "https://redeem.example.com/c/1?k=a"
    card = {"number": "", "secret": link, "url": link, "expires_on": "2099-12-31"}
    assert (placed.status, placed.json["cards"]) == (201, [card])
    revealed = await platform.post(f"/api/v1/orders/{placed.json['id']}/reveal")
    assert revealed.json["cards"] == [card]
    blind = await platform.issue_key(platform.seed.shop.organisation, ALL_SCOPES - {"cards:read"})
    masked = (await platform.place("L-2", sku, key=blind)).json["cards"]
    assert masked == [{"number": "****", "secret": "", "url": "https://redeem.example.com/****"}]


async def test_a_sandbox_plays_with_links_to_a_reserved_host(platform: Platform) -> None:
    sku = (await skus(platform))["星巴克电子券 30"]
    key = platform.seed.shop.sandbox_key
    placed = (await platform.place("P-1", sku, 2, key=key)).json
    links = [f"https://sandbox.example.com/play/{placed['id']}-{n}" for n in (1, 2)]
    cards = [{"number": f"PLAY{placed['id']}", "secret": link, "url": link} for link in links]
    assert placed["cards"] == cards
    assert (await platform.place("P-1", sku, 2, key=key)).json["cards"] == cards
    revealed = await platform.post(f"/api/v1/orders/{placed['id']}/reveal", key=key)
    assert revealed.json["cards"] == cards


async def test_cards_to_choose_from_page_by_page(platform: Platform) -> None:
    sku = platform.goods.bare
    path = f"/api/v1/skus/{sku.sku_id}/cards"
    assert (await platform.get(path)).json == {"cards": [], "next_cursor": None}
    await catalogue.set_sku(platform.db, sku.sku_id, {"pickable": True, "pick_fee_e4": 50_000})
    for n in range(3):
        await load(platform, sku, PICK.replace("{n}", str(n)))
    shown = (await platform.get(f"/api/v1/catalogue/{sku.sku_id}")).json
    while not shown["pickable"]:  # at most a second old
        await asyncio.sleep(0.1)
        shown = (await platform.get(f"/api/v1/catalogue/{sku.sku_id}")).json
    everything = (await platform.get(path)).json["cards"]
    first = (await platform.get(path, "limit=4")).json
    rest = (await platform.get(path, f"limit=4&cursor={first['next_cursor']}")).json
    assert (first["cards"] + rest["cards"], rest["next_cursor"]) == (everything, None)
    assert len(first["cards"]) == 4
    assert "SECRET" not in str(everything)
    price = float(shown["price"])
    assert {(one["label"], one["fee"], float(one["price"])) for one in everything} == {
        (label, fee, price + float(fee))
        for n in range(3) for label, fee in ((f"尾号 {n}1", "20.0000"), (f"1380000{n}2", "5.0000"))
    }  # fmt: skip
    assert shown["pick_fee"] == "5.0000"

    wanted = everything[0]
    placed = await platform.place("C-1", sku, card=wanted["id"], max_price=wanted["price"])
    assert (placed.status, placed.json["unit_price"], len(placed.json["cards"])) == (201, wanted["price"], 1)
    order = (await platform.get(f"/api/v1/orders/{placed.json['id']}")).json
    assert order["trace"][-1] == {"rule": f"pick:{wanted['id']}", "unit_price": wanted["price"]}
    taken = await platform.place("C-2", sku, card=wanted["id"])
    assert (taken.status, taken.code, taken.json["field"]) == (409, "card_taken", "card")
    bulk = await platform.post(
        "/api/v1/orders/bulk",
        {"orders": [{"client_ref": f"B-{n}", "sku": str(sku.sku_id), "card": everything[n]["id"]} for n in (0, 1)]},
    )
    assert [row["status"] for row in bulk.json["results"]] == [409, 201]
    left = (await platform.get(path)).json["cards"]
    assert left == everything[2:]
    assert (await platform.get("/api/v1/skus/1/cards")).code == "unknown_sku"


async def _supplier(platform: Platform, sku: Sku, name: str, text: str) -> tuple[Member, int]:
    member = await founding.found_member(platform.db, platform.ring, name, kind="supplier")
    report = await load(platform, sku, text, supplier_org_id=member.organisation.org_id)
    return member, report.batch_id


async def test_a_supplier_sees_his_stock_live_and_takes_cards_off(platform: Platform) -> None:
    sku = platform.goods.bare
    lines = "\n".join(f"88880000{n:08d} SECRET-{n:04d}" for n in range(6))
    member, batch = await _supplier(platform, sku, "星火供货", lines)
    other, theirs = await _supplier(platform, sku, "别家供货", "9999000011112222 SECRET-9999\n")
    ask: dict[str, Any] = {"key": member.key}
    assert (await platform.place("S-1", sku, 2)).status == 201

    async def live(**query: Any) -> list[tuple[Any, ...]]:
        text = "&".join(f"{name}={value}" for name, value in query.items())
        rows = (await platform.get("/api/v1/supplier/stock", text, **ask)).json["stock"]
        return [(row["batch"], row["on_shelf"], row["reserved"], row["sold"], row["voided"]) for row in rows]

    sold = [row["number"] for row in (await platform.post(
        f"/api/v1/orders/{(await platform.get('/api/v1/orders', 'client_ref=S-1')).json['orders'][0]['id']}/reveal"
    )).json["cards"]]  # fmt: skip
    own = [number for number in sold if number.startswith("8888")]
    assert await live() == [(str(batch), 6 - len(own), 0, len(own), 0)]
    assert await live(sku=sku.sku_id) == await live()
    others = await platform.get("/api/v1/supplier/stock", f"sku={platform.goods.few.sku_id}", **ask)
    assert others.code == "unknown_sku"

    free = next(f"88880000{n:08d}" for n in range(6) if f"88880000{n:08d}" not in sold)
    numbers = [free, *own, "9999000011112222"]
    body = {"sku": str(sku.sku_id), "numbers": numbers, "reason": "印刷错误"}
    done = (await platform.post("/api/v1/supplier/cards/void", body, **ask)).json
    reasons = ["sold"] * len(own) + ["unknown"]
    assert (done["voided"], done["already_voided"], done["sold"]) == (1, 0, len(own))
    assert [(line["line"], line["reason"]) for line in done["refused"]] == list(enumerate(reasons, 2))
    assert numbers[-1] not in str(done)
    again = (await platform.post("/api/v1/supplier/cards/void", body, **ask)).json
    assert (again["voided"], again["already_voided"]) == (0, 1)
    whole = (await platform.post("/api/v1/supplier/cards/void", {"batch": str(batch)}, **ask)).json
    assert whole == {"voided": 5 - len(own), "already_voided": 1, "sold": len(own), "reserved": 0, "refused": []}
    assert await live() == [(str(batch), 0, 0, len(own), 6 - len(own))]
    assert (await platform.post("/api/v1/supplier/cards/void", {"batch": str(theirs)}, **ask)).code == "no_such_batch"
    assert await live() == [(str(batch), 0, 0, len(own), 6 - len(own))]
    for wrong in ({}, {"batch": str(batch), "numbers": ["1"]}, {"sku": str(sku.sku_id)}):
        answer = await platform.post("/api/v1/supplier/cards/void", wrong, **ask)
        assert (answer.code, answer.json["field"]) == ("bad_request", "batch")
    rows = (await platform.get("/api/v1/supplier/stock", key=other.key)).json["stock"]
    assert [(row["batch"], row["voided"]) for row in rows] == [(str(theirs), 0)]


async def test_a_supplier_loads_reusable_cards(platform: Platform) -> None:
    sku = platform.goods.bare
    member, _ = await _supplier(platform, sku, "循环供货", "7777000011110000 FIRST-0001\n")
    query = f"sku={sku.sku_id}&uses=3"
    loaded = await platform.post("/api/v1/supplier/cards", b"7777000011110001 SHARED-01\n", query=query, key=member.key)
    assert loaded.json["loaded"] == 1
    (row, _) = (await platform.get("/api/v1/supplier/stock", key=member.key)).json["stock"]
    assert (row["batch"], row["on_shelf"]) == (loaded.json["batch"], 3)
    wrong = await platform.post(
        "/api/v1/supplier/cards", b"7777000011110002 SHARED-02\n", query=f"sku={sku.sku_id}&uses=-1", key=member.key
    )
    assert (wrong.code, wrong.json["field"]) == ("bad_request", "uses")
