"""``kameng archive``: what it says, and what it refuses. What it does is in ``tests/orders/test_archiving.py``."""

from __future__ import annotations

from pathlib import Path

from command import kameng

from kameng.ops.embedded import Embedded


def test_there_and_back(server: Embedded, data: Path) -> None:
    there, back = kameng(data, "archive", "orders", "--months", "12"), kameng(data, "archive", "back")
    assert (there.returncode, there.stdout) == (0, "已归档订单 orders archived: 0\n")
    assert (back.returncode, back.stdout) == (0, "已移回订单 orders brought back: 0\n")


def test_young_orders_are_not_archived(server: Embedded, data: Path) -> None:
    done = kameng(data, "archive", "orders", "--months", "0")
    assert (done.returncode, done.stdout) == (2, "")
    assert "只能归档 31 天以前的订单" in done.stderr
