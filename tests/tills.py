"""Tills for tests: the simulated providers in a process of their own, channels there, and how somebody pays."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Page, expect

from browsing import Desk, Faces, apart
from kameng import payments
from kameng.kit import db
from kameng.ops import auditing
from kameng.ops.demo_paying import ACCOUNTS, Given

Simulator = tuple[str, dict[str, Given]]
"""Where it answers, and what its merchants are given."""


@pytest.fixture(scope="session")
def simulator() -> Iterator[Simulator]:
    """The providers in a process of their own, as long as the channels stand that are theirs: where, and what their
    merchants are given."""
    folder = Path(tempfile.mkdtemp(prefix="kameng-till-"))
    command = [sys.executable, "-m", "kameng.sim.pay", "--data", str(folder), "--pace", "0.001"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    port = process.stdout.readline().strip().removeprefix("port=")
    found = msgspec.json.decode((folder / "merchants.json").read_bytes(), type=list[Given])
    yield f"http://127.0.0.1:{port}", {one.name: one for one in found}
    process.terminate()
    process.wait(10)
    process.stdout.close()
    shutil.rmtree(folder)


@pytest.fixture
def open_till(desk: Desk, simulator: Simulator) -> Iterator[Desk]:
    """A desk whose platform takes WeChat and Alipay while the test runs."""
    base, given = simulator
    desk.expected = (base,)
    numbers = apart(lambda: switch_on(desk.faces, given))
    yield desk
    apart(lambda: switch_off(desk.faces, numbers))


async def switch_on(faces: Faces, given: dict[str, Given]) -> list[int]:
    database = await db.open_database(faces.url)
    standing = {one.name: one.channel_id for one in await payments.list_channels(database)}
    numbers = []
    for theirs, name, account in ACCOUNTS:
        one = given[theirs]
        number = standing.get(name) or await payments.add_channel(
            database, faces.ring, protocol=one.protocol, name=name, credentials=one.credentials,
            account_no=one.credentials[account], actor_id=0,
        )  # fmt: skip
        await payments.switch_channel(database, number, on=True, reason="test", actor_id=0)
        numbers.append(number)
    await database.close()
    return numbers


async def switch_off(faces: Faces, numbers: list[int]) -> None:
    database = await db.open_database(faces.url)
    for number in numbers:
        await payments.switch_channel(database, number, on=False, reason="test", actor_id=0)
    await database.close()


def rows(desk: Desk, query: str, *values: object) -> list[Any]:
    async def ask() -> list[Any]:
        database = await db.open_database(desk.faces.url)
        try:
            return list(await database.pool.fetch(query, *values))
        finally:
            await database.close()

    found: list[Any] = apart(ask)
    return found


def assert_clean(desk: Desk) -> None:
    async def audit() -> list[object]:
        database = await db.open_database(desk.faces.url)
        try:
            report = await auditing.run(database, desk.faces.ring, sample_per_lane=50)
            return [(finding.law, finding.examples) for finding in report.broken]
        finally:
            await database.close()

    assert apart(audit) == []


def pay_at_the_simulator(page: Page) -> None:
    with page.context.expect_page() as opened:
        page.click("text=打开模拟支付页")
    theirs = opened.value
    theirs.click("button[value=pay]")
    expect(theirs.locator("body")).to_contain_text("支付成功")
    theirs.close()


def to_the_till(desk: Desk, page: Page, method: str = "wechat") -> int:
    """From the goods to the till; the order's number."""
    page.goto(f"/checkout?sku={desk.faces.seed.goods.deep.sku_id}&quantity=1")
    if page.locator("#contact").count():
        page.fill("#contact", "13812345678")
        page.fill("#query_password", "secret12")
    page.check(f"[name=pay][value={method}]")
    page.click(".buy-bar button")
    page.wait_for_url("**/pay/*")
    return int(page.url.rpartition("/")[2])
