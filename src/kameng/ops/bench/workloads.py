"""`kameng bench WORKLOAD`: what is measured, beside a limit measured in the same run.

Every workload plays on a stage of its own (``stage``), is loaded from the same machine by ``runner``, ends with an
audit, and prints where its figures come from. Goals are printed with the figures; nothing here asserts them.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import shlex
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from kameng.ops.bench import desks, echo, machine, paying, reconcile, report, runner, webhooks
from kameng.ops.bench.load import Retries
from kameng.ops.bench.routing import command as routing
from kameng.ops.bench.shots import BulkMix, Mix, OrderMix, PageMix, Sku
from kameng.ops.bench.stage import Stage, fresh_folder, sampled
from kameng.ops.bench.tally import Tally, latency

FLASH_CARDS = 50_000
FLASH_DEMAND = 20
BURST_REFERENCES = 1_000_000
ECHO_SECONDS = 5.0
PAGES_OF_GOODS = 10
PAGE_CONNECTIONS = 64
WARMUP_S = 3.0


class Bench:
    """One run of one workload: the stage, the options, and the report it builds."""

    def __init__(self, stage: Stage, options: argparse.Namespace, command: str) -> None:
        self.stage = stage
        self.options = options
        self.command = command
        self.prefix = f"{options.workload}-{int(time.time()):x}-"

    def orders(self) -> report.Report:
        """Single orders: every merchant, every SKU."""
        made = self._single(self._mix(), connections=self.options.connections)
        made.goal_per_s, made.goal_p99_ms = 10_000, 200
        return made

    def crowd(self) -> report.Report:
        """Most connections only sit there."""
        ordering = min(2_000, self.options.connections)
        share = self.options.connections // len(self.stage.targets)
        held = [
            runner.start(
                runner.Plan(
                    target=target, mix=None, connections=0, seconds=3600.0,
                    idle=share - (ordering if target is self.stage.target else 0),
                )
            )
            for target in self.stage.targets
        ]  # fmt: skip
        for idlers in held:
            idlers.await_open()
        made = self._single(self._mix(), connections=ordering)
        for idlers in held:
            idlers.stop()
        tallies = [idlers.tally() for idlers in held]
        made.idle, made.idle_lost = sum(t.idle for t in tallies), sum(t.idle_lost for t in tallies)
        made.goal_p99_ms = 200
        made.notes.append(f"{len(self.stage.targets)} gateway processes, {share} connections each")
        return made

    def flash(self) -> report.Report:
        """One SKU, twenty times the demand: exactly the stock is sold, the rest is told so from memory."""
        sku = next(sku for sku in self.stage.skus(mix="cards") if sku.account is None)
        before = self._on_hand(sku)
        self.stage.load_cards(sku.code, FLASH_CARDS - before)
        mix = OrderMix(
            keys=self.stage.keys(), skus=[sku], prefix=self.prefix, references=FLASH_CARDS * FLASH_DEMAND,
            repeats=0.02,
        )  # fmt: skip
        made = self._single(mix, connections=self.options.connections, seconds=None, warmup_s=0.0)
        sold = self.stage.query(
            "SELECT count(*) FROM card WHERE sku_id = $1 AND state = 'sold' AND order_id IN"
            " (SELECT order_id FROM orders WHERE client_ref LIKE $2)",
            int(sku.code), f"{self.prefix}%",
        )  # fmt: skip
        made.goal_p99_ms = 200
        made.notes.append(f"cards sold: {sold} of {FLASH_CARDS}; left on the shelf: {self._on_hand(sku)}")
        last = [second.refused for second in made.series if second.accepted == 0 and second.refused]
        if last:
            made.notes.append(f"sold-out answers in full seconds after the last card: {sum(last) / len(last):.0f}/s")
        return made

    def bulk(self) -> report.Report:
        """Requests of 5,000 rows, and single orders meanwhile."""
        keys, skus = self.stage.keys(), self.stage.skus(mix=self.options.mix)
        singles = runner.start(
            runner.Plan(
                target=self.stage.target, mix=OrderMix(keys=keys, skus=skus, prefix=f"{self.prefix}s-"),
                connections=10, seconds=self.options.seconds + WARMUP_S + 2, think_s=0.1,
            )
        )  # fmt: skip
        mix = BulkMix(keys=keys, skus=skus, prefix=self.prefix, rows=5_000)
        made = self._single(mix, connections=4)
        beside = latency(singles.tally().accepted_s)
        if beside is not None:
            made.latency["single orders meanwhile"] = beside
        made.goal_per_s = 25_000
        copied = asyncio.run(echo.measure_copy(self.stage.url, seconds=ECHO_SECONDS))
        made.copy_rows_per_s = copied.rows_per_s
        return made

    def burst(self) -> report.Report:
        """A million references at once, as fast as they are taken."""
        mix = self._mix(references=BURST_REFERENCES)
        made = self._single(
            mix, connections=self.options.connections, seconds=None, warmup_s=0.0,
            retries=Retries(busy_max=None, busy_wait_max_s=0.25, cut_max=None),
        )  # fmt: skip
        made.notes.append(f"undecided references: {made.undecided}; without an answer: {made.unanswered}")
        return made

    def growth(self) -> report.Report:
        """The same orders before and after millions of others."""
        bare = self.orders()
        self.stage.stop_serving()
        started = time.monotonic()
        self.stage.seed_history(self.options.history)
        seeded_s = time.monotonic() - started
        self.stage.serve()
        self.prefix += "g-"
        grown = self.orders()
        kept = grown.accepted_per_s / bare.accepted_per_s
        p99_ms = bare.latency["accepted"].p99_ms
        grown.notes += [
            f"without history: {bare.accepted_per_s:.0f}/s, p99 {p99_ms:.0f} ms; with it: {kept:.1%} of that",
            f"history: {self.options.history} orders, filled in in {seeded_s:.0f} s",
            f"database: {self.stage.query('SELECT pg_size_pretty(pg_database_size(current_database()))')}",
        ]
        return grown

    def webhooks(self) -> report.Report:
        """Every delivery of some merchants' events: alone, then beside single orders of all of them."""
        with webhooks.Receiver() as receiver:
            raw_per_s = asyncio.run(webhooks.measure_raw(receiver, seconds=ECHO_SECONDS))
            org_ids = asyncio.run(webhooks.subscribe(self.stage, receiver))
            alone = asyncio.run(webhooks.drain(self.stage, receiver, org_ids))
            made = self._single(self._mix(), connections=self.options.connections)
            beside = webhooks.beside(receiver, seconds=self.options.seconds)
        made.notes += [f"raw client loop: {raw_per_s:.0f}/s", *alone.lines("alone", raw_per_s)]
        made.notes += beside.lines("beside orders", raw_per_s)
        return made

    def pages(self) -> report.Report:
        """The shop's pages for whoever is not signed in: its first page, lists, a search, products, help."""
        products = [f"/goods/{sku.code}" for sku in self.stage.skus(mix="cards")[:PAGES_OF_GOODS]]
        lists = ["/search", "/search?scene=%E6%B8%B8%E6%88%8F", "/search?q=wzry"]
        mix = PageMix(paths=["/", "/", *lists, "/help", *products])
        made = self._single(mix, connections=min(PAGE_CONNECTIONS, self.options.connections))
        made.unit, made.goal_per_s, made.goal_p99_ms = "pages", 800, 200
        made.notes.append(f"{len(mix.paths)} addresses, gzip'd, no cookie; each rendered anew every two seconds")
        return made

    def desks(self) -> report.Report:
        """Every page of every face, signed in, with a million orders behind it."""
        self.stage.stop_serving()
        self.stage.seed_history(min(self.options.history, desks.ORDERS))
        self.stage.serve()
        cookies = asyncio.run(desks.prepare(self.stage))
        made = self.pages()
        made.notes += desks.lines(desks.look(self.stage, cookies))
        return made

    def payments(self) -> report.Report:
        """Payments begun at a provider, and its notices: as fast as they are answered, then in a storm."""
        return paying.measure(self.stage, self.options, self.command, self.prefix)

    def _mix(self, *, references: int | None = None) -> OrderMix:
        skus = self.stage.skus(mix=self.options.mix)
        return OrderMix(keys=self.stage.keys(), skus=skus, prefix=self.prefix, references=references)

    def _single(
        self, mix: Mix, *, connections: int, seconds: float | None = -1.0, warmup_s: float = WARMUP_S,
        retries: Retries | None = None,
    ) -> report.Report:  # fmt: skip
        """Load, sample, count rows; the report without what only the workload knows."""
        stage, options = self.stage, self.options
        written = stage.rows_written()
        plan = runner.Plan(
            target=stage.target, mix=mix, connections=connections, warmup_s=warmup_s,
            seconds=options.seconds if seconds == -1.0 else seconds, retries=retries or Retries(),
        )  # fmt: skip
        load = runner.start(plan)
        with sampled(stage, load.pid) as sampler:
            load.await_window()
            sampler.mark()
            tally = load.tally()
            sampler.stop()
        made = report.of(
            tally, workload=options.workload, command=self.command, commit=report.current_commit(),
            machine=machine.describe(postgresql=stage.postgresql(), data_dir=stage.folder),
        )  # fmt: skip
        made.usage, made.memory_peak_mb = sampler.usage(), sampler.memory_peak_mb
        decided = _orders_of(tally)
        if decided:
            made.rows_per_order = round((stage.rows_written() - written) / decided, 2)
        return made

    def _on_hand(self, sku: Sku) -> int:
        statement = "SELECT coalesce(sum(on_hand), 0) FROM allotment WHERE sku_id = $1"
        return int(self.stage.query(statement, int(sku.code)))


WORKLOADS: dict[str, Callable[[Bench], report.Report]] = {
    "orders": Bench.orders,
    "flash": Bench.flash,
    "bulk": Bench.bulk,
    "burst": Bench.burst,
    "crowd": Bench.crowd,
    "growth": Bench.growth,
    "webhooks": Bench.webhooks,
    "pages": Bench.pages,
    "desks": Bench.desks,
    "payments": Bench.payments,
}


def _orders_of(tally: Tally) -> int:
    """Orders placed in the whole run, warm-up included."""
    if "rows_accepted" in tally.total_extra:
        return tally.total_extra["rows_accepted"]
    return sum(by_status.get(201, 0) for by_status in tally.total.values())


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="kameng bench", description="Measure Kameng on a stage of its own.")
    parser.add_argument("workload", choices=[*WORKLOADS, "echo", "reconcile", "routing"])
    parser.add_argument("--seconds", type=float, default=20.0, help="length of the measured window")
    parser.add_argument("--connections", type=int, default=None, help="default 1,000; crowd 20,000; payments 128")
    parser.add_argument("--merchants", type=int, default=10_000)
    parser.add_argument("--cards", type=int, default=None, help="cards seeded (default: enough for the run)")
    parser.add_argument("--mix", choices=["all", "cards"], default="all", help="which SKUs are ordered")
    parser.add_argument("--history", type=int, default=10_000_000, help="growth: orders already there")
    gateways = "gateway processes (default 1; crowd 2); of payments, on one port"
    parser.add_argument("--gateways", type=int, default=None, help=gateways)
    parser.add_argument("--stage", type=Path, default=None, help="folder to keep and use again")
    parser.add_argument("--json", type=Path, default=None, help="write the report here")
    parser.add_argument("--svg", type=Path, default=None, help="write the plot here")
    parser.add_argument("--no-audit", action="store_true", help="skip the audit at the end")
    paying.add_options(parser)
    routing.add_options(parser)
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run a workload, print and write its report; 1 if the audit found something."""
    if arguments[:1] == ["reconcile"]:  # asks nothing of a gateway
        return reconcile.main(arguments[1:])
    options = parser().parse_args(arguments)
    if options.workload == "routing":  # made-up channels: no platform is needed
        return routing.main(options)
    crowd = options.workload == "crowd"
    files_max = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    usual = {"crowd": 20_000, "payments": paying.CONNECTIONS}.get(options.workload, 1_000)
    options.connections = options.connections or usual
    command = shlex.join(["kameng", "bench", *arguments])
    tally = echo.measure_echo(connections=min(options.connections, 1_000), seconds=ECHO_SECONDS)
    echo_per_s = tally.answers / tally.seconds
    if options.workload == "echo":
        print(f"echo: {echo_per_s:.0f} requests/s, generator {tally.cpu_us_per_request:.1f} µs a request")
        return 0
    folder = options.stage or fresh_folder()
    cards = options.cards if options.cards is not None else _cards_needed(options)
    gateways = options.gateways or (2 if crowd and files_max < options.connections + 1_000 else 1)
    is_payments = options.workload == "payments"  # its provider knows one address
    with Stage(
        folder, merchants=options.merchants, cards=cards, reuse=options.stage is not None,
        gateways=1 if is_payments else gateways, sharing=gateways if is_payments else 1,
    ) as stage:  # fmt: skip
        is_alone = is_payments and not options.with_worker
        stage.serve(role="gateway" if is_alone else "all")
        bench = Bench(stage, options, command)
        made = WORKLOADS[options.workload](bench)
        made.echo_per_s = echo_per_s
        stage.stop_serving()
        clean = True
        if not options.no_audit:
            started = time.monotonic()
            audit = stage.audit()
            clean = audit.clean
            made.notes.append(f"audit: {'clean' if clean else 'BROKEN'}, {time.monotonic() - started:.1f} s")
    report.print_table(made)
    if options.json is not None:
        report.write_json(made, options.json)
    if options.svg is not None:
        report.write_svg(made, options.svg)
    return 0 if clean else 1


def _cards_needed(options: argparse.Namespace) -> int:
    """Enough that nothing sells out by chance: SKUs of the mix are drawn evenly."""
    share = 1.0 if options.mix == "cards" else 0.4
    if options.workload == "burst":
        return int(BURST_REFERENCES * share * 1.1)
    if options.workload == "flash":
        return 20_000
    if options.workload == "payments":  # it loads its own
        return 0
    rate = 40_000 if options.workload == "bulk" else 15_000
    runs = 2 if options.workload == "growth" else 1
    return int(rate * (options.seconds + WARMUP_S + 2) * share * runs)
