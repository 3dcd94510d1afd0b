"""What a bench says: percentiles, rates, the table, the JSON and the picture."""

from __future__ import annotations

import json
import subprocess
from array import array
from pathlib import Path
from xml.etree import ElementTree

from kameng.kit import clock
from kameng.ops.bench import plot, report
from kameng.ops.bench.machine import Machine, Usage
from kameng.ops.bench.tally import PERCENTILES, Second, Tally, latency

MACHINE = Machine(
    cores=2, cpu="A & B", memory_mb=4000, kernel="6.1", python="3.11.2", postgresql="18.1", fsync_p50_ms=0.5,
    fsync_p99_ms=1.25,
)  # fmt: skip


def seconds(*values: float) -> bytes:
    return array("f", values).tobytes()


def tally(**more: object) -> Tally:
    base: dict[str, object] = {
        "connections": 1000, "idle": 0, "seconds": 2.25, "accepted": 900, "refused": 90, "busy": 45,
        "faults": 0, "cuts": 0, "cpu_user_s": 0.01, "cpu_system_s": 0.0107, "extra": {}, "total_extra": {},
        "series": [
            Second(1.0, 400, 40, 5, 0, 0), Second(2.0, 450, 45, 40, 0, 0), Second(2.25, 50, 5, 0, 0, 0),
        ],
        "total": {"order": {201: 950, 409: 95, 503: 45}}, "codes": {"busy": 45, "sold_out": 95},
        "unanswered": ["t-1"], "undecided": [], "reconnects": 1, "stray": 0, "idle_lost": 0,
        "accepted_s": seconds(*[n / 1000 for n in range(1000, 0, -1)]),
        "refused_s": seconds(*[0.004] * 90), "busy_s": seconds(*[0.001] * 45), "settled_s": b"",
    }  # fmt: skip
    return Tally(**(base | more))  # type: ignore[arg-type]


def made(**more: object) -> report.Report:
    with clock.hold(1_790_000_000_000):
        one = report.of(
            tally(**more), workload="orders", command="kameng bench orders", commit="abc1234", machine=MACHINE
        )
    one.goal_per_s, one.goal_p99_ms, one.echo_per_s = 10_000, 200, 920.0
    one.usage = {"gateway": Usage(cpu_s=1.5, cores=0.667, memory_peak_mb=120.5)}
    one.memory_peak_mb = 300.0
    return one


def test_percentiles_are_by_nearest_rank() -> None:
    one = latency(seconds(*[n / 1000 for n in range(1000, 0, -1)]))
    assert one is not None
    assert (one.count, one.mean_ms, one.max_ms) == (1000, 500.5, 1000.0)
    assert (one.p50_ms, one.p95_ms, one.p99_ms, one.p999_ms) == (500.0, 950.0, 990.0, 999.0)
    assert one.curve_ms[0] == 1.0
    assert one.curve_ms[PERCENTILES.index(99.9)] == 999.0
    assert one.curve_ms[-1] == 1000.0
    assert list(PERCENTILES) == sorted(set(PERCENTILES))


def test_several_runs_make_one_distribution_and_none_makes_none() -> None:
    one = latency(seconds(0.001, 0.002), b"", seconds(0.003))
    assert one is not None
    assert (one.count, one.p50_ms, one.p99_ms) == (3, 2.0, 3.0)
    assert latency(b"") is None


def test_rates_are_of_the_window_and_shares_of_the_limits() -> None:
    one = made()
    assert (one.accepted_per_s, one.refused_per_s, one.busy_per_s, one.unit) == (400.0, 40.0, 20.0, "orders")
    assert one.echo_share == 0.5
    assert one.copy_share is None
    one.rows_per_order, one.copy_rows_per_s = 6.0, 4800.0
    assert one.copy_share == 0.5
    assert one.generator_us_per_request == 20.0
    assert one.at == "2026-09-21T14:13:20+00:00"


def test_bulk_is_told_in_rows() -> None:
    extra = {"rows_accepted": 45_000, "rows_refused": 450}
    one = made(extra=extra, series=[Second(1.0, 9, 0, 0, 0, 0, {"rows_accepted": 20_000, "rows_refused": 5})])
    assert (one.unit, one.accepted_per_s, one.refused_per_s) == ("rows", 20_000.0, 200.0)
    assert "accepted              20,000 rows/s   goal 10,000" in report.table(one)


def test_the_table_says_everything() -> None:
    one = made()
    one.notes = ["the disk was slow"]
    assert report.table(one) == """\
orders  (kameng bench orders, commit abc1234, 2026-09-21T14:13:20+00:00)
2 cores of A & B, 4,000 MB, Linux 6.1, Python 3.11.2, PostgreSQL 18.1
1,000 connections, 2.2 s

accepted              400 orders/s   goal 10,000
refused               40 orders/s
busy (503)            20 requests/s
echo                  920 requests/s; reached 50% of it
unanswered            1
  sold_out            95 answers in all
  busy                45 answers in all

latency in ms                count       p50       p95       p99     p99.9       max
accepted                     1,000     500.0     950.0     990.0     999.0    1000.0
refused                         90       4.0       4.0       4.0       4.0       4.0
busy                            45       1.0       1.0       1.0       1.0       1.0
goal                                                       200.0

process                      CPU s     cores   peak MB
gateway                        1.5      0.67       120
memory, all at once   300 MB at its peak
generator             20.0 µs CPU a request
fsync                 p50 0.50 ms, p99 1.25 ms

! the disk was slow"""


def test_the_json_holds_the_same(tmp_path: Path) -> None:
    report.write_json(made(), tmp_path / "bench.json")
    read = json.loads((tmp_path / "bench.json").read_text())
    assert (read["workload"], read["accepted_per_s"], read["echo_share"], read["copy_share"]) == (
        "orders", 400.0, 0.5, None,
    )  # fmt: skip
    assert read["latency"]["accepted"]["p99_ms"] == 990.0
    assert read["answers_total"] == {"order": {"201": 950, "409": 95, "503": 45}}
    assert read["machine"]["cpu"] == "A & B"
    assert len(read["latency"]["accepted"]["curve_ms"]) == len(PERCENTILES)


def test_the_picture_is_well_formed_and_knows_the_dark(tmp_path: Path) -> None:
    report.write_svg(made(), tmp_path / "bench.svg")
    raw = (tmp_path / "bench.svg").read_text()
    root = ElementTree.fromstring(raw)
    words = ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "kameng bench orders" in words
    assert "2 cores of A & B, Linux 6.1, PostgreSQL 18.1, commit abc1234, 2026-09-21T14:13:20+00:00" in words
    assert {"400", "990 ms", "50%", "goal ≥ 10,000", "goal < 200 ms"} <= set(words)
    assert len(list(root.iter("{http://www.w3.org/2000/svg}polyline"))) == 6  # three curves, three rates
    assert raw.count("prefers-color-scheme:dark") == 1


def test_a_run_without_a_single_answer_is_still_told(tmp_path: Path) -> None:
    one = made(accepted=0, accepted_s=b"", refused_s=b"", busy_s=b"", series=[])
    one.goal_p99_ms = one.goal_per_s = one.echo_per_s = None
    assert "accepted              0 orders/s\n" in report.table(one)
    report.write_svg(one, tmp_path / "bench.svg")
    ElementTree.parse(tmp_path / "bench.svg")


def test_every_point_lies_inside_its_panel(tmp_path: Path) -> None:
    wild = [0.000_01, 0.5, 3.0, 77.0] * 300
    one = made(accepted_s=seconds(*wild), refused_s=seconds(0.2), series=[Second(0.6, 999_999, 1, 0, 0, 0)])
    report.write_svg(one, tmp_path / "bench.svg")
    lines = ElementTree.parse(tmp_path / "bench.svg").iter("{http://www.w3.org/2000/svg}polyline")
    points = [tuple(map(float, pair.split(","))) for line in lines for pair in line.attrib["points"].split()]
    assert len(points) > 30
    for x, y in points:
        assert 78 <= x <= 916
        assert plot._TOP - 0.1 <= y <= plot._BOTTOM + 0.1


def test_the_commit_is_that_of_the_folder(tmp_path: Path) -> None:
    assert report.current_commit(tmp_path) == "unknown"
    git = ["git", "-C", str(tmp_path), "-c", "user.name=t", "-c", "user.email=t@t"]
    (tmp_path / "file").write_text("one")
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run([*git, *words], check=True)
    commit = report.current_commit(tmp_path)
    assert len(commit) >= 7
    assert not commit.endswith("+")
    (tmp_path / "file").write_text("two")
    assert report.current_commit(tmp_path) == commit + "+"
