"""Two gateways behind HAProxy, as ``deploy/haproxy.cfg`` has it: one is killed under load, and weights move."""

from __future__ import annotations

import asyncio
import csv
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from command import Service, data_folder, kameng
from storm import lost, stock_up, storm

from kameng.kit import settings
from kameng.ops import embedded, processes
from kameng.ops.agent import WEIGHT_MIN, weight
from kameng.ops.chaos_clients import Goods

TEMPLATE = Path(__file__).parents[2] / "deploy" / "haproxy.cfg"
HAPROXY = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
CLIENTS = 16

needs_haproxy = pytest.mark.skipif(HAPROXY is None, reason="needs HAProxy: apt-get install haproxy")


class Site(msgspec.Struct, frozen=True):
    """A platform that is stocked up, its database running; where gateways and proxy will listen."""

    data: Path
    goods: Goods
    url: str
    ports: tuple[int, int]
    agent_ports: tuple[int, int]
    proxy_port: int
    control: Path


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with data_folder() as data, pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        assert kameng(data, "init").returncode == 0
        patch.setenv("KAMENG_DATA_DIR", str(data))
        with embedded.start(data / "pg18") as server:
            goods = stock_up(settings.load())
            one, two, three, four, five = (processes.free_port() for _ in range(5))
            yield Site(data, goods, server.url, (one, two), (three, four), five, Path(folder, "admin.sock"))


@pytest.fixture
def proxy(site: Site) -> Iterator[subprocess.Popen[bytes]]:
    """HAProxy with the template, on loopback and without TLS."""
    text = TEMPLATE.read_text("utf-8")
    changes = {
        r"bind :443 .*": f"bind 127.0.0.1:{site.proxy_port}",
        r"/run/haproxy/admin.sock": str(site.control),
        r" agent-port 9465": "",
        "maxconn 20000": "maxconn 1000",  # this machine may allow few open files
    }
    for number in (1, 2):
        place = f"127.0.0.1:{site.ports[number - 1]} agent-port {site.agent_ports[number - 1]}"
        changes[rf"(server gateway-{number}) .*"] = rf"\1 {place}"
    for pattern, new in changes.items():
        text, count = re.subn(pattern, new, text)
        assert count == 1 or "agent-port" in pattern, pattern
    assert HAPROXY
    file = site.control.with_name("haproxy.cfg")
    file.write_text(text, "utf-8")
    checked = subprocess.run([HAPROXY, "-c", "-f", file], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    process = subprocess.Popen([HAPROXY, "-db", "-f", file], stdin=subprocess.DEVNULL)
    yield process
    process.terminate()
    process.wait()


def gateway(site: Site, number: int, **more: str) -> Service:
    """A supervisor with a gateway alone, as on a machine of its own."""
    return Service(
        site.data, "serve", "--role", "gateway", "--plain-http", "--port", str(site.ports[number - 1]),
        KAMENG_AGENT_PORT=str(site.agent_ports[number - 1]), KAMENG_TRUSTED_PROXIES="127.0.0.1/32",
        KAMENG_DATABASE_URL=site.url, **more,
    )  # fmt: skip


async def servers(site: Site) -> dict[str, tuple[str, int, int]]:
    """Of each gateway as HAProxy sees it: its state, its weight, and how many requests it was given."""
    reader, writer = await asyncio.open_unix_connection(site.control)
    writer.write(b"show stat\n")
    lines = (await reader.read()).decode().removeprefix("# ").splitlines()
    writer.close()
    rows = [row for row in csv.DictReader(lines) if row["svname"].startswith("gateway-")]
    return {row["svname"]: (row["status"], int(row["weight"]), int(row["stot"])) for row in rows}


async def until_servers(site: Site, what: object, within_s: float = 20.0) -> None:
    assert callable(what)
    until_s = time.monotonic() + within_s
    while not what(seen := await servers(site)):
        assert time.monotonic() < until_s, seen
        await asyncio.sleep(0.05)


def unanswered(answers: dict[str, int]) -> int:
    return sum(count for status, count in answers.items() if status == "none" or status in ("500", "502", "504"))


@needs_haproxy
async def test_one_of_two_gateways_is_killed_under_load(site: Site, proxy: subprocess.Popen[bytes]) -> None:
    with gateway(site, 1) as one, gateway(site, 2) as other:
        for service in (one, other):
            await asyncio.to_thread(service.await_said, "Kameng is running")
        await until_servers(site, lambda seen: {state for state, _, _ in seen.values()} == {"UP"})
        async with storm(site.goods, site.proxy_port, clients=CLIENTS) as load:
            await load.go_on(300)
            before = await servers(site)
            assert all(count > 0 for _, _, count in before.values()), before
            assert unanswered(load.told.answers) == 0
            for pid in (one.process.pid, one.told.children["gateway"]):
                os.kill(pid, signal.SIGKILL)
            await load.go_on(500)
            await until_servers(site, lambda seen: seen["gateway-1"][0] == "DOWN")
            # Each client has one request on its way at most: nobody else may notice.
            assert unanswered(load.told.answers) <= CLIENTS
            with gateway(site, 1) as again:
                await asyncio.to_thread(again.await_said, "Kameng is running")
                await until_servers(site, lambda seen: seen["gateway-1"][0] == "UP")
                given = (await servers(site))["gateway-1"][2]
                await until_servers(site, lambda seen: seen["gateway-1"][2] > given + 100)
                # A gateway that is told to stop leaves in good order: nobody notices.
                failed = unanswered(load.told.answers)
                assert await asyncio.to_thread(again.stop) == 0
                await load.go_on(200)
                assert unanswered(load.told.answers) == failed
            await load.calm_down()
            assert await lost(site.url, load.told) == []
        audited = await asyncio.to_thread(kameng, site.data, "audit")
        assert audited.returncode == 0, audited.stdout + audited.stderr
        assert other.process.poll() is None


@needs_haproxy
async def test_weights_move_with_the_head_room(site: Site, proxy: subprocess.Popen[bytes]) -> None:
    """The second gateway has a target that it can't keep under load: it is given less, and all again afterwards."""
    with gateway(site, 1) as one, gateway(site, 2, KAMENG_QUEUE_TARGET_MS="1") as other:
        for service in (one, other):
            await asyncio.to_thread(service.await_said, "Kameng is running")
        await until_servers(site, lambda seen: {state for state, _, _ in seen.values()} == {"UP"})
        async with storm(site.goods, site.proxy_port, clients=CLIENTS, first=CLIENTS) as load:
            await load.go_on(100)
            await until_servers(site, lambda seen: seen["gateway-2"][1] <= 50 < seen["gateway-1"][1])
            before = await servers(site)
            await load.go_on(500)
            after = await servers(site)
            given = {name: after[name][2] - before[name][2] for name in after}
            assert given["gateway-2"] < given["gateway-1"], given


def test_the_weight_is_what_is_left_of_the_target() -> None:
    assert [weight(wait_s, 0.2) for wait_s in (0.0, 0.05, 0.1, 0.19, 0.2, 9.0)] == [100, 75, 50, WEIGHT_MIN, 5, 5]
