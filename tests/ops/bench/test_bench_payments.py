"""Payments under load, small: begun at the simulated provider, told of at once and in a storm; nothing twice."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from kameng.ops.bench.shots import Due, Key, PaymentMix, source_of
from kameng.sim.pay.storming import sequence


def test_every_payment_that_is_told_of_delivers_its_order_once(tmp_path: Path) -> None:
    """Twelve by a plain run, four at a rate, eight by a storm in which each is told of twice."""
    written = tmp_path / "report.json"
    command = [
        sys.executable, "-m", "kameng", "bench", "payments", "--payments", "12", "--steady", "4", "--storm", "16",
        "--connections", "4", "--merchants", "8", "--json", str(written),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    made = json.loads(written.read_text())
    assert made["answers_total"] == {"payment": {"200": 24}}
    counts = {name: one["count"] for name, one in made["latency"].items()}
    assert counts == {"accepted": 24, "ours (less 50 ms)": 24, "notices": 12, "steady": 4, "storm": 16}
    told = "\n".join(made["notes"])
    assert "notices: answered 12 × 204; 0 came again, 0 given up\n" in told
    assert "notices: 12 orders delivered of 12, 12 payments booked," in told
    assert "steady: 4 orders delivered of 4, 4 payments booked," in told
    assert "storm: answered 16 × 204; 0 came again, 0 given up\n" in told
    assert "storm: 8 orders delivered of 8, 8 payments booked," in told
    assert "audit: clean" in told


def test_a_storm_tells_of_each_payment_and_of_some_twice_now_and_later() -> None:
    plain = sequence(100, repeats=0.0, seed=1)
    assert plain == list(range(100))
    twice = sequence(100, repeats=1.0, seed=1)
    assert sorted(twice) == sorted([*range(100), *range(100)])
    first = {index: twice.index(index) for index in range(100)}
    again = {index: 199 - twice[::-1].index(index) for index in range(100)}
    assert sum(again[index] <= first[index] + 5 for index in range(100)) >= 50  # some of the later ones in between
    assert sum(again[index] > first[index] + 20 for index in range(100)) >= 20
    assert sequence(100, repeats=1.0, seed=2) != twice


def test_each_order_is_paid_once_by_its_buyers_key() -> None:
    keys = [Key("ak_1", "one"), Key("ak_2", "two")]
    source = source_of(PaymentMix(keys=keys, due=[Due(1, "77"), Due(0, "78")], body={"method": "wechat"}), "h:1")
    first, second = source(), source()
    assert first is not None
    assert second is not None
    assert source() is None
    assert [shot.signer.key_id for shot in (first, second)] == ["ak_2", "ak_1"]  # type: ignore[union-attr]
    assert first.route.head.startswith("POST /api/v1/orders/77/payments HTTP/1.1\r\n")
    assert first.body == b'{"method":"wechat"}'
