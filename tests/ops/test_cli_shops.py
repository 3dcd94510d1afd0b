"""``kameng shop`` from a shell: opening one, and deciding the domain that its owner asks for."""

from __future__ import annotations

import re
from pathlib import Path

from command import fetch, kameng

from kameng.ops.embedded import Embedded


def test_a_domain_is_asked_for_and_decided(server: Embedded, data: Path) -> None:
    founded = kameng(data, "org", "found", "总代", "--kind", "agent")
    match = re.search(r"Organisation (\d+) ", founded.stdout)
    assert match
    agent = match[1]
    assert kameng(data, "shop", "open", agent, "江南数卡").stdout == "店铺已开通 opened\n"
    assert kameng(data, "shop", "open", agent, "再来一家").stdout == "已有店铺 it has one\n"
    early = kameng(data, "shop", "accept", agent, "a.example.com", "--reason", "x")
    assert (early.returncode, early.stdout) == (1, "")
    query = "UPDATE shop SET domain_wanted = 'a.example.com', domain_proof = 'kameng-shop=abc' WHERE org_id = $1"
    fetch(server, query, int(agent))
    assert kameng(data, "shop", "list").stdout.splitlines()[-2:] == [
        f"{agent} 江南数卡: open, 无域名 no domain",
        "  申请 asks for a.example.com: TXT _kameng.a.example.com = kameng-shop=abc",
    ]
    done = kameng(data, "shop", "accept", agent, "a.example.com", "--reason", "TXT 已核实")
    assert (done.returncode, done.stdout) == (0, f"{agent} 江南数卡: a.example.com\n")
    fetch(server, "UPDATE shop SET domain_wanted = 'b.example.com' WHERE org_id = $1", int(agent))
    done = kameng(data, "shop", "refuse", agent, "b.example.com", "--reason", "没有记录")
    assert done.stdout == f"{agent} 江南数卡: a.example.com\n"
    assert fetch(server, "SELECT domain_answer FROM shop WHERE org_id = $1", int(agent)) == [("没有记录",)]
    mistyped = kameng(data, "shop", "refuse", "4711", "b.example.com", "--reason", "x")
    assert (mistyped.returncode, mistyped.stdout) == (1, "")
