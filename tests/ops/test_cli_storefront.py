"""``kameng`` from a shell, about shops: flash sales and reviews."""

from __future__ import annotations

from pathlib import Path

from command import fetch, kameng

from kameng.ops.embedded import Embedded


def test_a_sale_is_planned_once(server: Embedded, data: Path) -> None:
    wish = ("sale", "plan", "100118", "2099-12-12T20:00", "2099-12-12T22:00", "--each", "2")
    line = "100118 2099-12-12T20:00 – 2099-12-12T22:00，每人 each 2，planned\n"
    done = kameng(data, *wish)
    assert (done.returncode, done.stdout) == (0, f"已安排 Planned: {line}"), done.stderr
    assert fetch(server, "SELECT state FROM sku WHERE sku_id = 100118") == [("paused",)]
    again = kameng(data, *wish)
    assert (again.returncode, again.stdout) == (1, "")
    assert "该商品已有未结束的抢购" in again.stderr
    assert kameng(data, "sale", "list").stdout == line
    assert kameng(data, "sale", "plan", "100118", "soon", "later").returncode == 2
    past = kameng(data, "sale", "plan", "100117", "2020-01-01T00:00", "2020-01-02T00:00")
    assert past.returncode == 1
    assert fetch(server, "SELECT state FROM sku WHERE sku_id = 100117") == [("on_sale",)]


def test_nothing_waits_and_nothing_is_judged(data: Path) -> None:
    assert kameng(data, "review", "pending").stdout == ""
    refused = kameng(data, "review", "hide", "77")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "没有这条评价" in refused.stderr
