"""What a bench says: a table for people, JSON for comparing, an SVG to look at.

Accepted, refused and busy answers are told apart throughout: a fast refusal must not make orders look fast.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from kameng.kit import clock
from kameng.ops.bench import plot
from kameng.ops.bench.machine import Machine, Usage
from kameng.ops.bench.tally import Latency, Second, Tally, latency

_OWN_LATENCIES = {"accepted", "refused", "busy", "settled"}


class Report(msgspec.Struct, kw_only=True):
    """One workload, once. Build it with `of`; set what only the workload knows."""

    workload: str
    command: str
    commit: str
    at: str
    machine: Machine
    connections: int
    idle: int
    seconds: float
    unit: str
    """What is counted per second: ``orders``, or ``rows`` of bulk requests."""
    accepted_per_s: float
    refused_per_s: float
    busy_per_s: float
    """503 and the like, asked to come again; these are requests, whatever the unit."""
    accepted: int
    refused: int
    busy: int
    faults: int
    cuts: int
    latency: dict[str, Latency]
    """Of requests: ``accepted``, ``refused``, ``busy``, and ``settled`` (first try to decision, if it took
    several); a workload may add what ran beside it."""
    codes: dict[str, int]
    answers_total: dict[str, dict[int, int]]
    unanswered: int
    undecided: int
    stray: int
    idle_lost: int
    series: list[Second]
    generator_us_per_request: float
    echo_per_s: float | None = None
    copy_rows_per_s: float | None = None
    usage: dict[str, Usage] = {}
    memory_peak_mb: float | None = None
    rows_per_order: float | None = None
    goal_per_s: float | None = None
    goal_p99_ms: float | None = None
    counts: dict[str, int] = {}
    """Whatever else the workload counted."""
    notes: list[str] = []

    @property
    def echo_share(self) -> float | None:
        """Orders (or rows) answered per second, over the requests per second that the echo reached."""
        answered_per_s = self.accepted_per_s + self.refused_per_s + self.busy_per_s
        return answered_per_s / self.echo_per_s if self.echo_per_s else None

    @property
    def copy_share(self) -> float | None:
        """Rows written per second as a share of what a plain COPY reached."""
        if not self.copy_rows_per_s or not self.rows_per_order:
            return None
        return self.accepted_per_s * self.rows_per_order / self.copy_rows_per_s


def of(tally: Tally, *, workload: str, command: str, commit: str, machine: Machine) -> Report:
    """Bulk tallies (those that count rows) are reported in rows."""
    rows = "rows_accepted" in tally.extra
    accepted = tally.extra["rows_accepted"] if rows else tally.accepted
    refused = tally.extra["rows_refused"] if rows else tally.refused
    distributions = {
        "accepted": latency(tally.accepted_s),
        "refused": latency(tally.refused_s),
        "busy": latency(tally.busy_s),
        "settled": latency(tally.settled_s),
    }
    return Report(
        workload=workload,
        command=command,
        commit=commit,
        at=clock.now().isoformat(timespec="seconds"),
        machine=machine,
        connections=tally.connections,
        idle=tally.idle,
        seconds=round(tally.seconds, 3),
        unit="rows" if rows else "orders",
        accepted_per_s=round(accepted / tally.seconds, 1),
        refused_per_s=round(refused / tally.seconds, 1),
        busy_per_s=round(tally.busy / tally.seconds, 1),
        accepted=tally.accepted,
        refused=tally.refused,
        busy=tally.busy,
        faults=tally.faults,
        cuts=tally.cuts,
        latency={name: one for name, one in distributions.items() if one is not None},
        codes=tally.codes,
        answers_total=tally.total,
        unanswered=len(tally.unanswered),
        undecided=len(tally.undecided),
        stray=tally.stray,
        idle_lost=tally.idle_lost,
        series=tally.series,
        generator_us_per_request=round(tally.cpu_us_per_request, 1),
        counts=dict(tally.extra),
    )


def current_commit(folder: Path | None = None) -> str:
    """The short hash, with ``+`` if the tree differs from it; ``unknown`` outside a clone."""
    git = ["git", "-C", str(folder or Path(__file__).parent)]
    try:
        commit = subprocess.run(
            [*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
        ).stdout.strip()
        changes = subprocess.run(
            [*git, "status", "--porcelain", "--untracked-files=no"], capture_output=True, text=True,
            check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return commit + ("+" if changes else "")


def write_json(report: Report, path: Path) -> None:
    shares = {"echo_share": report.echo_share, "copy_share": report.copy_share}
    plain: dict[str, Any] = msgspec.to_builtins(report, str_keys=True) | shares
    path.write_bytes(msgspec.json.format(msgspec.json.encode(plain), indent=2) + b"\n")


def write_svg(report: Report, path: Path) -> None:
    path.write_text(plot.draw(_picture(report)), "utf-8")


def print_table(report: Report) -> None:
    print(table(report))


def table(report: Report) -> str:
    sections = [
        list(_head(report)),
        list(_rates(report)),
        list(_latencies(report)),
        list(_costs(report)),
        [f"! {note}" for note in report.notes],
    ]
    return "\n\n".join("\n".join(section) for section in sections if section)


def _head(report: Report) -> Iterator[str]:
    machine = report.machine
    yield f"{report.workload}  ({report.command}, commit {report.commit}, {report.at})"
    yield (
        f"{machine.cores} cores of {machine.cpu}, {machine.memory_mb:,} MB, Linux {machine.kernel}, "
        f"Python {machine.python}, PostgreSQL {machine.postgresql or 'unknown'}"
    )
    held = f" and {report.idle:,} idle ones" if report.idle else ""
    yield f"{report.connections:,} connections{held}, {report.seconds:.1f} s"


def _rates(report: Report) -> Iterator[str]:
    goal = "" if report.goal_per_s is None else f"   goal {report.goal_per_s:,.0f}"
    yield _line("accepted", f"{report.accepted_per_s:,.0f} {report.unit}/s{goal}")
    yield _line("refused", f"{report.refused_per_s:,.0f} {report.unit}/s")
    yield _line("busy (503)", f"{report.busy_per_s:,.0f} requests/s")
    if report.echo_share is not None:
        yield _line("echo", f"{report.echo_per_s:,.0f} requests/s; reached {report.echo_share:.0%} of it")
    if report.copy_rows_per_s is not None:
        share = "" if report.copy_share is None else f"; reached {report.copy_share:.0%} of it"
        yield _line("plain COPY", f"{report.copy_rows_per_s:,.0f} rows/s{share}")
    if report.rows_per_order is not None:
        yield _line("rows per order", f"{report.rows_per_order:.2f}")
    troubles = {
        "faults": report.faults, "cuts": report.cuts, "unanswered": report.unanswered,
        "undecided": report.undecided, "stray answers": report.stray, "idle connections lost":
        report.idle_lost,
    }  # fmt: skip
    for name, count in troubles.items():
        if count:
            yield _line(name, f"{count:,}")
    for code, count in sorted(report.codes.items(), key=lambda item: -item[1]):
        yield _line(f"  {code}", f"{count:,} answers in all")


def _latencies(report: Report) -> Iterator[str]:
    yield f"{'latency in ms':<22}{'count':>12}{'p50':>10}{'p95':>10}{'p99':>10}{'p99.9':>10}{'max':>10}"
    for name, one in report.latency.items():
        numbers = (one.p50_ms, one.p95_ms, one.p99_ms, one.p999_ms, one.max_ms)
        yield f"{name:<22}{one.count:>12,}" + "".join(f"{number:>10.1f}" for number in numbers)
    if report.goal_p99_ms is not None:
        yield f"{'goal':<22}{'':>12}{'':>10}{'':>10}{report.goal_p99_ms:>10.1f}"


def _costs(report: Report) -> Iterator[str]:
    if report.usage:
        yield f"{'process':<22}{'CPU s':>12}{'cores':>10}{'peak MB':>10}"
        for role, usage in report.usage.items():
            yield f"{role:<22}{usage.cpu_s:>12.1f}{usage.cores:>10.2f}{usage.memory_peak_mb:>10,.0f}"
    if report.memory_peak_mb is not None:
        yield _line("memory, all at once", f"{report.memory_peak_mb:,.0f} MB at its peak")
    yield _line("generator", f"{report.generator_us_per_request:.1f} µs CPU a request")
    if report.machine.fsync_p50_ms is not None:
        machine = report.machine
        yield _line("fsync", f"p50 {machine.fsync_p50_ms:.2f} ms, p99 {machine.fsync_p99_ms:.2f} ms")


def _line(name: str, text: str) -> str:
    return f"{name:<22}{text}"


def _picture(report: Report) -> plot.Picture:
    machine = report.machine
    held = f" + {report.idle:,} idle" if report.idle else ""
    return plot.Picture(
        title=f"kameng bench {report.workload}",
        subtitle=f"{report.connections:,}{held} connections, {report.seconds:.0f} s, signed requests",
        tiles=list(_tiles(report)),
        curves=[
            plot.Curve(name, one.count, one.curve_ms)
            for name, one in report.latency.items()
            if name != "settled"
        ],
        rates=_rate_lines(report),
        unit=report.unit,
        goal_p99_ms=report.goal_p99_ms,
        goal_per_s=report.goal_per_s,
        footer=(
            f"{machine.cores} cores of {machine.cpu}, Linux {machine.kernel}, "
            f"PostgreSQL {machine.postgresql or '?'}, commit {report.commit}, {report.at}"
        ),
    )


def _tiles(report: Report) -> Iterator[plot.Tile]:
    goal = "" if report.goal_per_s is None else f"goal ≥ {report.goal_per_s:,.0f}"
    yield plot.Tile(f"{report.unit} accepted/s", f"{report.accepted_per_s:,.0f}", goal)
    if (accepted := report.latency.get("accepted")) is not None:
        goal = "" if report.goal_p99_ms is None else f"goal < {report.goal_p99_ms:,.0f} ms"
        what = "of accepted" if report.unit == "orders" else "of a whole request"
        yield plot.Tile(f"p99 {what}", f"{accepted.p99_ms:,.0f} ms", goal)
    for name in [name for name in report.latency if name not in _OWN_LATENCIES]:
        yield plot.Tile(f"p99 of {name}", f"{report.latency[name].p99_ms:,.0f} ms", "")
    if (refused := report.latency.get("refused")) is not None:
        yield plot.Tile("refused/s", f"{report.refused_per_s:,.0f}", f"p99 {refused.p99_ms:,.0f} ms")
    if report.busy:
        yield plot.Tile("busy (503)/s", f"{report.busy_per_s:,.0f}", "asked to come again")
    if report.unit == "rows" and report.copy_share is not None:
        share, copy = f"{report.copy_share:.0%}", f"COPY {report.copy_rows_per_s:,.0f} rows/s"
        yield plot.Tile("share of a plain COPY", share, copy)
    elif report.echo_share is not None:
        share, echo = f"{report.echo_share:.0%}", f"echo {report.echo_per_s:,.0f}/s"
        yield plot.Tile("share of the echo's rate", share, echo)


def _rate_lines(report: Report) -> list[plot.Rates]:
    """Per second; a last point of less than half a second would only show noise."""
    starts = [0.0, *[second.at_s for second in report.series]]
    whole = [
        (second, second.at_s - start)
        for second, start in zip(report.series, starts, strict=False)
        if second.at_s - start >= 0.5
    ]

    def line(name: str, count_of: Any) -> plot.Rates:
        return plot.Rates(name, [(second.at_s, count_of(second) / took_s) for second, took_s in whole])

    if report.unit == "rows":
        return [
            line("accepted", lambda second: second.extra.get("rows_accepted", 0)),
            line("refused", lambda second: second.extra.get("rows_refused", 0)),
        ]
    lines = [line("accepted", lambda second: second.accepted)]
    if report.refused:
        lines.append(line("refused", lambda second: second.refused))
    if report.busy:
        lines.append(line("busy", lambda second: second.busy))
    return lines
