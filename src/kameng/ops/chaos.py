"""``kameng chaos``: a whole platform under load whose processes are killed, at random, without a word.

It makes a platform of its own in a folder of its own, serves it with ``kameng serve``, lets signed clients order,
and SIGKILLs the gateway, the worker, PostgreSQL or the supervisor while they do. A client repeats every reference
that got no answer, until it gets one. In the end every acknowledged order must stand once, as it was acknowledged;
no card may be in two answers; no secret in a log; and the audit must be clean. Meanwhile the worker has jobs of the
drill's own to do (``chaos_jobs``): each must be done once, and sent to the outside once.

    kameng chaos --kills 200
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from kameng import catalogue, ledger, stock
from kameng.kit import settings
from kameng.ops import auditing, chaos_jobs, children, embedded, founding, opening, processes, running, serving
from kameng.ops.chaos_clients import SECRET_MARK, Client, Goods, Ledger
from kameng.ops.opening import Platform

CLIENTS = 16
CARDS_A_KILL = 1500
MONEY_E4 = 10**13
QUIET_S = 90.0
"""How long a platform may take to answer again after a kill."""
LEASE_S = "2"
"""What a killed worker had in hand comes back while the drill goes on."""
VICTIMS = ("gateway", "gateway", "postgres", "postgres", "worker+scheduler", "worker+scheduler", "supervisor")
"""Who is killed, in these shares; each at least once, if there are kills enough."""


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="kameng chaos")
    made.add_argument("--kills", type=int, default=200, metavar="N", help="杀多少次 how many (200)")
    made.add_argument("--seed", type=int, metavar="N", help="随机种子 the same seed, the same victims")
    made.add_argument("--folder", type=Path, help="保留目录 a new folder to keep; else one that is removed")
    made.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """``python -m kameng.ops.chaos``: as the command, or as the supervisor that it kills."""
    chosen = parser().parse_args(argv)
    return _serve() if chosen.serve else run(chosen)


def run(arguments: argparse.Namespace) -> int:
    """Exit code 0: nothing was lost, doubled or told in clear."""
    seed = int(time.time()) if arguments.seed is None else arguments.seed
    with _folder(arguments.folder) as folder:
        os.environ |= {"KAMENG_DATA_DIR": str(folder), "KAMENG_PORT": str(processes.free_port())}
        os.environ |= {"KAMENG_TLS_CERTIFICATE": "off", "KAMENG_TLS_KEY": "off"}
        os.environ["KAMENG_JOB_LEASE_S"] = LEASE_S
        os.environ.pop("KAMENG_DATABASE_URL", None)
        return _run(arguments.kills, seed)


def _serve() -> int:
    """``kameng serve`` that does not lose patience with children that keep dying, and has the drill's jobs done."""
    from kameng.ops import cli

    serving.MODULES["background"] = chaos_jobs.MODULE
    children.RESTART_MAX_S = children.RESTART_MIN_S
    return cli.main(["serve"])


@contextmanager
def _folder(wanted: Path | None) -> Iterator[Path]:
    folder = wanted or Path(tempfile.mkdtemp(prefix="kameng-chaos-", dir="/tmp"))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)  # the server's user must get to its part
    try:
        yield folder
    finally:
        if wanted is None:
            shutil.rmtree(folder, ignore_errors=True)


def _run(kills: int, seed: int) -> int:
    chosen = settings.load()
    print(f"seed {seed}, {kills} kills, {CLIENTS} clients, {chosen.data_dir}", flush=True)
    with opening.database(chosen) as place:
        uvloop.run(opening.set_up(chosen, place))
    goods = opening.with_platform(chosen, lambda platform: _stock_up(platform, kills))
    acknowledged, jobs = Ledger(), chaos_jobs.Jobs(random.Random(seed + 1))
    supervisor = Supervisor(chosen.data_dir)
    try:
        uvloop.run(_storm(random.Random(seed), kills, supervisor, goods, acknowledged, jobs))
    finally:
        supervisor.end()
    faults = list(acknowledged.faults)
    faults += opening.with_platform(chosen, lambda platform: _verify(platform, acknowledged, jobs))
    faults += _clear_secrets(chosen.data_dir)
    print(f"acknowledged {len(acknowledged.orders):,} orders; answers {dict(sorted(acknowledged.answers.items()))}")
    print(chaos_jobs.summary(jobs, chaos_jobs.Upstream(chosen.data_dir)))
    for fault in faults[:20]:
        print(f"BROKEN {fault}")
    print("nothing lost, nothing doubled" if not faults else f"{len(faults)} faults")
    return 1 if faults else 0


async def _stock_up(platform: Platform, kills: int) -> Goods:
    """Merchants in every lane, and cards enough for all of them."""
    await catalogue.import_file(platform.db, catalogue.demo_catalogue())
    await chaos_jobs.prepare(platform.db)
    async with platform.db.connection() as connection:
        skus = (await catalogue.load(connection, None, 1)).skus.values()
    card = next(sku for sku in skus if sku.kind == "secret")
    phone = next(sku for sku in skus if sku.form == "phone")
    lines = [
        stock.CardLine(n, f"CHAOS{n:010d}", f"{SECRET_MARK}{n:010d}", None, None)
        for n in range(1, (kills + 6) * CARDS_A_KILL)
    ]
    await stock.load_cards(platform.db, platform.ring, lines, sku_id=card.sku_id, file_name="chaos.txt")
    members = [await founding.found_member(platform.db, platform.ring, f"merchant {n}") for n in range(4)]
    for member in members:
        org_id = member.organisation.org_id
        await ledger.recharge(platform.db, member.organisation.lane, org_id, MONEY_E4, key=f"chaos:{org_id}")
    return Goods([(m.organisation.org_id, m.key) for m in members], str(card.sku_id), str(phone.sku_id))


class Supervisor:
    """``kameng serve`` as a process of its own, and the processes below it."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.log = data_dir / "chaos.log"
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "kameng.ops.chaos", "--serve"]
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def pid_of(self, victim: str) -> int | None:
        """Who that is now, if he lives."""
        if victim == "supervisor":
            return self._process.pid if self._process.poll() is None else None
        if victim == "postgres":
            with suppress(OSError, ValueError, IndexError):
                file = embedded.default_folder(18) / "cluster" / "postmaster.pid"
                server = int(file.read_text().split("\n", 1)[0])
                return server if processes.is_alive(server) else None
            return None
        for told in running.all_of(self.data_dir):
            child = told.children.get(victim)
            if child and processes.is_alive(child):
                return child
        return None

    def kill(self, victim: str) -> bool:
        pid = self.pid_of(victim)
        if pid is None:
            return False
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return True

    def look(self) -> None:
        """A supervisor that died has nobody to start it again but us."""
        if self._process.poll() is not None:
            self._process = self._start()

    def end(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(60)
        self._process.kill()
        self._process.wait()


async def _storm(
    chance: random.Random, kills: int, supervisor: Supervisor, goods: Goods, acknowledged: Ledger,
    jobs: chaos_jobs.Jobs,
) -> None:  # fmt: skip
    """Clients order, and jobs are added, until everybody who was to die has died; then all is brought to its end."""
    port = settings.load().port
    clients = [
        Client(number, goods, acknowledged, port=port, chance=random.Random(chance.random()))
        for number in range(CLIENTS)
    ]
    working = [asyncio.create_task(client.work()) for client in clients]
    working.append(asyncio.create_task(jobs.work()))
    victims = [*dict.fromkeys(VICTIMS), *(chance.choice(VICTIMS) for _ in range(kills))][:kills]
    chance.shuffle(victims)
    try:
        for number, victim in enumerate(victims, 1):
            await _progress(supervisor, acknowledged, chance.randint(20, 300), working)
            await asyncio.sleep(chance.random() * 0.2)
            while not supervisor.kill(victim):  # it is just coming up
                supervisor.look()
                await asyncio.sleep(0.05)
            print(f"{number:>4} killed {victim}; {len(acknowledged.orders):,} orders so far", flush=True)
        await _progress(supervisor, acknowledged, 100, working)
    finally:
        for client in clients:
            client.stop()
        jobs.stop()
    done, late = await asyncio.wait(working, timeout=QUIET_S)
    for task in late:
        acknowledged.faults.append("a client never got its answer")
        task.cancel()
    for task in done:
        task.result()
    await jobs.drain(timeout_s=QUIET_S)


async def _progress(
    supervisor: Supervisor, acknowledged: Ledger, count: int, working: Sequence[asyncio.Task[None]]
) -> None:
    """Wait until so many more orders were acknowledged: it must go on after every kill."""
    until_s, wanted = time.monotonic() + QUIET_S, len(acknowledged.orders) + count
    while len(acknowledged.orders) < wanted:
        supervisor.look()
        for task in working:
            if task.done():
                task.result()
        if time.monotonic() > until_s:
            raise TimeoutError(f"no {count} orders within {QUIET_S:.0f} s; see {supervisor.log}")
        await asyncio.sleep(0.02)


async def _verify(platform: Platform, acknowledged: Ledger, jobs: chaos_jobs.Jobs) -> list[str]:
    """What was acknowledged against what stands."""
    async with platform.db.connection() as connection:
        rows = await connection.fetch("SELECT order_id, org_id, client_ref, card_ids, lane FROM orders")
        faults = await chaos_jobs.verify(connection, jobs, chaos_jobs.Upstream(platform.settings.data_dir))
        sealed = {row["card_id"]: row["sealed"] for row in await connection.fetch("SELECT card_id, sealed FROM card")}
    stands: dict[tuple[int, str], list[Any]] = {}
    for row in rows:
        stands.setdefault((row["org_id"], row["client_ref"]), []).append(row)
    for key, (order_id, numbers) in acknowledged.orders.items():
        found = stands.get(key, [])
        if [row["order_id"] for row in found] != [order_id]:
            faults.append(f"{key} was acknowledged as {order_id}, there are {[r['order_id'] for r in found]}")
            continue
        texts = [platform.ring.open(stock.CARD, card_id, sealed[card_id]) for card_id in found[0]["card_ids"]]
        if sorted(msgspec.json.decode(text)["number"] for text in texts) != sorted(numbers):
            faults.append(f"order {order_id} was answered with other cards than it has")
    faults += [f"{key} was refused and stands" for key in acknowledged.refused if key in stands]
    shown = Counter(number for _, numbers in acknowledged.orders.values() for number in numbers)
    faults += [f"a card is in {times} answers" for times in shown.values() if times > 1]
    unasked = set(stands) - set(acknowledged.orders)
    faults += [f"{key} stands and nobody was told" for key in unasked]
    report = await auditing.run(platform.db, platform.ring)
    auditing.print_report(report)
    return faults + [f"audit: {finding.law} {finding.examples}" for finding in report.broken]


def _clear_secrets(data_dir: Path) -> list[str]:
    """Logs in which a card's secret stands."""
    logs = [data_dir / "chaos.log", *embedded.default_folder(18).glob("log/*")]
    mark = SECRET_MARK.encode()
    return [f"{log.name} holds a card in clear" for log in logs if mark in log.read_bytes()]


if __name__ == "__main__":
    sys.exit(main())
