"""``kameng channel`` from a shell: credentials go in by standard input and stand nowhere in clear."""

from __future__ import annotations

import json
from pathlib import Path

from command import fetch, kameng

from kameng.ops.embedded import Embedded

SECRET = "not-a-real-key-of-anybody"


def test_a_channel_from_its_adding_to_its_switch(server: Embedded, data: Path) -> None:
    add = ("channel", "add", "wechat", "shop-1", "--account", "1900000001", "--fee-ppm", "6000", "--from", "10.0.0.0/8")
    unread = kameng(data, *add, said="nonsense")
    assert (unread.returncode, "JSON" in unread.stderr) == (2, True), unread.stderr
    lacking = kameng(data, *add, said=json.dumps({"mchid": "1900000001"}))
    assert lacking.returncode == 1, lacking.stderr
    assert fetch(server, "SELECT count(*) FROM payment_channel") == [(0,)]
    from kameng.channels import PROTOCOLS

    fields = {field.name: SECRET for field in PROTOCOLS["wechat"].fields}
    added = kameng(data, *add, said=json.dumps(fields))
    assert added.stdout.startswith("通道 Channel 1 shop-1: 停用 off\n"), added.stderr
    assert "can't be read" in added.stdout  # no key is in that
    assert kameng(data, "channel", "on", "1", "--reason", "contract 17").stdout == "通道 Channel 1: 启用 on\n"
    listed = kameng(data, "channel", "list").stdout
    assert listed.startswith("1 shop-1: 启用 on, wechat, 1900000001, wechat/"), listed
    assert "6000 ppm + 0.0000" in listed
    off = kameng(data, "channel", "off", "1", "--reason", "ended")
    assert (off.returncode, off.stdout) == (0, "通道 Channel 1: 停用 off\n")
    acts = [act for (act,) in fetch(server, "SELECT act FROM audit_line WHERE act LIKE 'channel.%' ORDER BY audit_id")]
    assert acts == ["channel.add", "channel.on", "channel.off"]
    for row in fetch(server, "SELECT credentials, c::text FROM payment_channel c"):
        assert SECRET not in str(row)
    assert SECRET not in added.stdout + added.stderr + listed
