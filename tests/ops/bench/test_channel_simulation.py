"""The simulator of payment channels: what it measures is what it says, and Kameng's router beats simple ones in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kameng.ops.bench import workloads
from kameng.ops.bench.routing import simulation, world
from kameng.ops.bench.routing.baselines import BASELINES, Downtime, SuccessWindow
from kameng.ops.bench.routing.command import GRID_POLICIES, POLICIES, regret_of
from kameng.ops.bench.routing.smart import Smart
from kameng.ops.bench.routing.tuned import GRID, TUNED, settings_of, tuned_for
from kameng.ops.bench.routing.world import Fault, World


def even_world(payments: int, *faults: Fault) -> World:
    """Two channels, the first better; a payment each second; a fault takes all from its channel."""
    at_ms = [1_000 * n for n in range(payments)]

    def ill(at: int, channel: int, kind: str) -> bool:
        return any(f.channel == channel and f.kind == kind and f.from_ms <= at < f.to_ms for f in faults)

    return World(
        1, 86_400, 2, at_ms,
        tech=[tuple(float(ill(at, c, "hard")) for c in (0, 1)) for at in at_ms],
        conversion=[tuple(0.0 if ill(at, c, "grey") else (0.9, 0.6)[c] for c in (0, 1)) for at in at_ms],
        is_slow=[(False, False)] * payments,
        luck_tech=[0.5] * payments, luck_pay=[0.5] * payments, delay_ms=[10_000] * payments,
        answer_ms=[200] * payments, faults=list(faults), haste=[1.0, 1.0],
    )  # fmt: skip


class Scripted:
    """Takes what it was told to."""

    def __init__(self, channels: list[int]) -> None:
        self.channels = channels
        self.news: list[tuple[str, int, int]] = []

    def choose(self, at_ms: int, payment: int, without: tuple[int, ...]) -> int:
        return 1 - without[0] if without else self.channels[payment]

    def ended(self, at_ms: int, payment: int, channel: int, outcome: str) -> None:
        self.news.append((outcome, payment, at_ms))

    def paid(self, at_ms: int, payment: int, channel: int) -> None:
        self.news.append(("paid", payment, at_ms))


def test_the_same_seed_makes_the_same_world() -> None:
    one, same, other = (world.make(seed, volume=2_000, days=1) for seed in (5, 5, 6))
    assert one == same
    assert one.at_ms != other.at_ms
    assert one != world.make(5, volume=2_000, days=1, scenario="grey")
    assert all(len(column) == len(one.at_ms) for column in (one.tech, one.conversion, one.luck_pay, one.delay_ms))
    assert {f.kind for f in world.make(1, volume=2_000, days=5).faults} == {
        "hard", "grey", "common_hard", "common_grey"
    }  # fmt: skip
    assert world.make(1, volume=2_000, days=1, scenario="stationary").faults == []


def test_regret_is_against_the_best_chance_and_without_luck() -> None:
    score = simulation.play(even_world(100), Scripted([0] * 90 + [1] * 10), name="x")
    assert (score.regret, score.ceiling) == (pytest.approx(3.0), pytest.approx(90.0))
    assert score.paid == 100  # as luck had it


def test_news_come_when_they_would() -> None:
    router = Scripted([0] * 20)
    simulation.play(even_world(20), router, name="x")
    assert router.news[:2] == [("accepted", 0, 200), ("accepted", 1, 1_200)]
    assert ("paid", 0, 10_200) in router.news
    assert router.news.index(("paid", 0, 10_200)) == router.news.index(("accepted", 10, 10_200)) - 1


@pytest.mark.parametrize(("kind", "creates"), [("hard", [5]), ("grey", [])])
def test_an_outage_is_left_with_the_last_create_there(kind: str, creates: list[int]) -> None:
    fault = Fault(kind, 0, 30_500, 90_000, 1.0)
    # Five more go there, then one in ten.
    chosen = [0] * 36 + [int(n % 10 != 0) for n in range(36, 100)]
    score = simulation.play(even_world(100, fault), Scripted(chosen), name="x")
    assert (score.hard_left_ms if kind == "hard" else score.grey_left_ms) == [4_500.0]
    assert score.hard_creates == creates
    assert score.hard_turned_ms == ([3_500.0] if kind == "hard" else [])
    never = simulation.play(even_world(100, fault), Scripted([0] * 100), name="x")
    assert (never.hard_left_ms if kind == "hard" else never.grey_left_ms) == [float("inf")]
    elsewhere = simulation.play(even_world(100, fault), Scripted([1] * 100), name="x")
    assert (elsewhere.hard_left_ms, elsewhere.grey_left_ms) == ([], [])


def test_creates_after_the_second_failure_are_late() -> None:
    fault = Fault("hard", 0, 30_500, 90_000, 1.0)
    # Creates at 31, 32 s fail at 31.3, 32.3 s; those at 33, 34 s are late; 63 s is a probe.
    chosen = [0] * 35 + [1] * 28 + [0] + [1] * 36
    assert simulation.play(even_world(100, fault), Scripted(chosen), name="x").late_creates == 2


class Waking(Scripted):
    """Tests channel 0 when it is woken, which it asks for at 40 and 60 s."""

    def __init__(self, channels: list[int], probes: set[int]) -> None:
        super().__init__(channels)
        self.wakes, self.probes = [40_000, 60_000], probes

    def wake(self, at_ms: int) -> list[int]:
        return [0]

    def tested(self, at_ms: int, channel: int, outcome: str, began_ms: int) -> None:
        self.news.append((f"tested {outcome}", channel, began_ms))


def test_tests_meet_the_fault_and_named_probes_are_not_late() -> None:
    fault = Fault("hard", 0, 30_500, 50_000, 1.0)
    router = Waking([0] * 35 + [1] * 10 + [0] + [1] * 54, {45})
    score = simulation.play(even_world(100, fault), router, name="x")
    assert [one for one in router.news if one[0].startswith("tested")] == [
        ("tested refused_channel", 0, 40_000), ("tested accepted", 0, 60_000)
    ]  # fmt: skip
    assert (score.tests, score.late_creates, score.hard_first_ms) == (2, 2, [500.0])
    whole = Waking([0] * 35 + [1] * 10 + [0] + [1] * 54, {99})
    assert simulation.play(even_world(100, fault), whole, name="x").late_creates == 3


def test_a_refused_create_goes_on_to_another_channel() -> None:
    fault = Fault("hard", 0, 0, 90_000, 1.0)
    alone = simulation.play(even_world(50, fault), Scripted([0] * 50), name="x")
    cascaded = simulation.play(even_world(50, fault), Scripted([0] * 50), name="x", cascades=1)
    assert (alone.paid, cascaded.paid) == (0, 50)
    assert alone.regret == cascaded.regret == pytest.approx(30.0)


def test_the_window_of_results_and_the_downtime_score() -> None:
    window = SuccessWindow(2, 1, {"size": 4, "hedge": 0.0})
    assert window.sums == [4, 4]
    window.result(0, False)
    assert (window.sums, window.pick([0, 1])) == ([3, 4], 1)
    for _ in range(4):
        window.result(0, True)
    assert window.sums == [4, 4]
    down = Downtime(1, {"share": 0.5, "threshold": 0.3})
    down.count(0, False, 1_000)
    assert not down.is_down(0, 1_000)
    down.count(0, False, 2_000)
    assert down.is_down(0, 2_000)
    assert not down.is_down(0, 902_001)


def test_what_the_baselines_were_tuned_to_is_of_their_grids() -> None:
    assert set(TUNED) == {2_000, 20_000, 100_000}
    for found in TUNED.values():
        assert set(found) == set(GRID_POLICIES)
        for policy, parameters in found.items():
            assert parameters in list(settings_of(policy))
    assert tuned_for("ewma", 30_000) == TUNED[20_000]["ewma"]
    assert set(GRID) == set(BASELINES)


def test_it_beats_simple_routers_on_a_seed() -> None:
    played = world.make(11, volume=20_000, days=0.5)
    regrets = {
        name: simulation.play(played, BASELINES[name](played.channels, 11, tuned_for(name, 20_000)), name=name).regret
        for name in ("order", "weights", "window")
    }
    ours = simulation.play(played, Smart(played.channels, 11), name="kameng")
    again = simulation.play(played, Smart(played.channels, 11), name="kameng")
    assert ours == again
    assert ours.late_creates == 0
    assert ours.regret < min(regrets.values()) * 0.8


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["routing", "--volume", "2000", "--seeds", "101-102", "--days", "0.5", "--keep", str(tmp_path)]
    command += ["--choices", "500"]
    assert workloads.main([*command, "--policies", "order", "kameng"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "2000 payments a day, 0.5 days, seeds 101 to 102, mixed, 0 cascades"
    assert [line.split()[0] for line in told[1:]] == ["policy", "order", "kameng", "oracle", *["choice"] * 3]
    assert len(list(tmp_path.iterdir())) == 4
    assert workloads.main([*command, "--policies", "order"]) == 0  # from the folder
    assert capsys.readouterr().out.splitlines()[2] == told[2]
    assert workloads.main([*command, "--policies", "elimination", "--tune"]) == 0
    assert capsys.readouterr().out.startswith("elimination")
    assert set(POLICIES) == {*BASELINES, "kameng"}


def test_mean_and_standard_error() -> None:
    scores = [
        simulation.Score("x", seed, 10_000, regret, 0.0, 0, [], [], [], 0) for seed, regret in ((1, 10.0), (2, 14.0))
    ]
    assert regret_of(scores) == (12.0, 2.0)
