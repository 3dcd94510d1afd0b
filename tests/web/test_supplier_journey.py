"""A supplier's day in a browser: five thousand cards from a file as people send them, and an order by hand. Nobody else
sees any of it, and the books are clean."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from browsing import PASSWORD, Desk, Faces
from kameng import access, catalogue, identity, stock
from kameng.kit import db
from kameng.ops import auditing, founding
from kameng.ops.children import Child
from laws import handwork
from running import Seed

pytestmark = pytest.mark.browser
CARDS = 5000
PHONE = "13700001111"
GOODS = "一份谢谢惠顾"
OTHER = "other-supplier@test.kameng"


def aside(work: Callable[[db.Database], Coroutine[Any, Any, Any]], url: str) -> Any:
    """In a thread of its own: Playwright holds this one's event loop."""

    async def run() -> Any:
        database = await db.open_database(url)
        try:
            return await work(database)
        finally:
            await database.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, run()).result()


@pytest.fixture(scope="module")
def working(faces: Faces) -> Iterator[None]:
    """The worker of that platform."""
    environ = {**os.environ, "KAMENG_DATABASE_URL": faces.url, "KAMENG_DATA_DIR": str(faces.seed.data_dir)}
    child = Child("kameng.ops.background", ("worker",), listening_fd=None, environ=environ)
    until = time.monotonic() + 30
    while not child.is_ready():
        assert time.monotonic() < until, "the worker does not get ready"
        time.sleep(0.05)
    yield
    child.end()
    while not child.is_over():
        time.sleep(0.05)


@pytest.fixture(scope="module")
def goods(faces: Faces, working: None) -> tuple[int, int]:
    """A SKU that he loads cards for, with one card of his there, and one that he works by hand."""

    async def prepare(database: db.Database) -> tuple[int, int]:
        one = faces.organisations["supplier"]
        await catalogue.import_file(database, handwork.CSV.encode())
        async with database.connection() as connection:
            skus = (await catalogue.load(connection, None, 1 << 40)).skus.values()
        by_hand = next(sku for sku in skus if sku.product == "代充服务")
        await catalogue.set_sku(database, by_hand.sku_id, {"worked_by": one.org_id, "delivery_promise_minutes": 90})
        bare = faces.seed.goods.bare
        first = [stock.CardLine(1, "YC00000001", "FIRST-ONE-OF-HIS", None, None)]
        await stock.load_cards(
            database, faces.ring, first, sku_id=bare.sku_id, file_name="first.txt", supplier_org_id=one.org_id
        )
        await rival(database, faces.seed)
        return bare.sku_id, by_hand.sku_id

    async def rival(database: db.Database, _: Seed) -> None:
        two = (await founding.found_member(database, faces.ring, "另一供货商", kind="supplier")).organisation
        person_id = await identity.enrol(database, sign_in=OTHER, name="另一人")
        await access.set_password(database, person_id, PASSWORD, actor_id=0)
        await identity.join(database, two, person_id, "owner")

    return aside(prepare, faces.url)  # type: ignore[no-any-return]


def card_file(folder: Path) -> Path:
    """As a supplier's ERP writes it: GBK, Chinese titles; 12 lines repeated, 1 loaded before, 5 broken."""
    lines = ["卡号,密码,到期日", *[f"YC{n:08d},SECRET{n:08d}ZQ,2029-06-30" for n in range(100, 100 + CARDS)]]
    lines += [lines[1 + n] for n in range(12)]
    lines += ["YC00000001,FIRST-ONE-OF-HIS,2029-06-30", "YC90000001,,", "YC90000002,,2029-06-30"]
    lines += ["YC90000003,SECRET90000003,二〇二九", "YC90000004,SECRET90000004,2020-01-01", "YC90000005,,"]
    path = folder / "五千张.csv"
    path.write_bytes("\r\n".join(lines).encode("gbk"))
    return path


def metrics(page: Page) -> list[str]:
    return page.locator(".metric .value").all_inner_texts()


def test_five_thousand_cards_come_to_the_shelf_and_nobody_else_sees_them(
    desk: Desk, goods: tuple[int, int], tmp_path: Path
) -> None:
    page = desk.open(f"/supplier/cards/upload?sku={goods[0]}", kind="supplier")
    page.set_input_files("#file", card_file(tmp_path))
    page.click("main button.first")
    page.wait_for_selector("[data-state=ready]", timeout=30_000)
    assert metrics(page) == ["5,000", "12", "1", "5"]
    assert desk.axe(page) == []
    assert "SECRET" not in page.content()
    page.click("main button.first")
    page.goto("/supplier/cards")  # it goes on by itself
    page.click("main tbody th a")
    page.wait_for_selector("[data-state=done]", timeout=60_000)
    assert metrics(page) == ["5,000", "12", "1", "5"]
    run = page.url
    with page.expect_download() as report:
        page.click("text=下载完整报告")
    lines = Path(report.value.path()).read_text("utf-8-sig").splitlines()
    assert (len(lines), lines[0], lines[-1]) == (19, "行号,卡号,未入库原因", "5019,YC****,只有卡号，没有卡密。")
    assert "SECRET" not in "\n".join(lines)
    page.click("text=查看批次")
    assert metrics(page) == ["5,000", "0", "0", "0", "0"]
    batch = page.url

    desk.expected = ("404 (Not Found)", "403 (Forbidden)")
    other = desk.open("/supplier/cards", sign_in=OTHER)
    assert other.locator("main tbody tr").count() == 0
    for path in (run, f"{run}/part", f"{run}/report.csv", batch):
        assert other.request.get(path).status == 404
    other.goto("/supplier/stock")
    assert other.locator("main tbody tr").count() == 0
    assert desk.open("/supplier/cards", kind="merchant").locator("main code").inner_text() == "forbidden"


def test_an_order_by_hand_is_taken_and_answered_and_nobody_else_sees_it(desk: Desk, goods: tuple[int, int]) -> None:
    faces = desk.faces

    async def place(_: db.Database) -> Any:
        body = {"client_ref": "JOURNEY-1", "sku": str(goods[1]), "account": {"phone": PHONE}}
        return await faces.post("/api/v1/orders", body)

    placed = aside(place, faces.url).json
    assert placed["state"] == "fulfilling"
    page = desk.open("/supplier/orders", kind="supplier")
    until = time.monotonic() + 30
    while not page.locator("main tbody tr").count():
        assert time.monotonic() < until, "the order never reached the desk"
        page.wait_for_timeout(200)
        page.reload()
    assert desk.axe(page) == []
    assert PHONE not in page.content()
    assert page.locator("due-clock").inner_text().startswith("剩余 1:")
    task = f"{faces.base}{page.locator('tbody th a').get_attribute('href')}"
    desk.expected = ("404 (Not Found)", "422 (Unprocessable")
    other = desk.open("/supplier/orders", sign_in=OTHER)
    assert other.locator("main tbody tr").count() == 0
    assert other.request.get(task).status == 404

    page.click("main tbody button.first")
    assert page.locator("[data-copy]").get_attribute("data-copy") == PHONE
    page.set_input_files("#image", {"name": "a.png", "mimeType": "image/png", "buffer": b"<script>no image</script>"})
    page.click("text=确认交付")
    assert page.locator("#image-error").inner_text() == "图片须为 PNG、JPEG 或 WebP，不超过 1 MiB"
    page.fill("#text", GOODS)
    page.fill("#cards", "NO-1 SECRET-OF-THE-ANSWER\nSECRET-ALONE")
    page.set_input_files("#image", {"name": "a.png", "mimeType": "image/png", "buffer": handwork.PNG})
    page.click("text=确认交付")
    page.wait_for_url(lambda url: url.endswith("/supplier/orders"))
    assert page.locator("main tbody tr").count() == 0
    page.goto("/supplier/orders?ended=1")
    assert page.locator("main tbody tr .badge").first.inner_text() == "已发货"

    async def sees(_: db.Database) -> Any:
        return await faces.post(f"/api/v1/orders/{placed['id']}/reveal")

    (revealed,) = aside(sees, faces.url).json["goods"]
    assert revealed["text"] == GOODS
    assert revealed["cards"] == [
        {"number": "NO-1", "secret": "SECRET-OF-THE-ANSWER"}, {"number": "", "secret": "SECRET-ALONE"}
    ]  # fmt: skip
    assert revealed["image"] == {"media_type": "image/png", "bytes": len(handwork.PNG)}


def test_the_books_are_clean(faces: Faces, goods: tuple[int, int]) -> None:
    async def audit(database: db.Database) -> Any:
        return await auditing.run(database, faces.ring, sample_per_lane=50)

    assert [(one.law, one.examples) for one in aside(audit, faces.url).broken] == []
