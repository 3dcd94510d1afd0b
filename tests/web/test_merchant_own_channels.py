"""自收款通道 at the pages: added, sealed, switched, what the shop takes; nobody touches another's."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator

import pytest

from browsing import Faces, apart
from kameng import identity
from kameng.kit import db
from visiting import Visitor, sql

HOME = "/merchant/channels"


def collects(faces: Faces, is_on: bool) -> None:
    async def set_terms() -> None:
        database = await db.open_database(faces.url)
        org_id = faces.organisations["agent"].org_id
        await identity.set_terms(database, org_id, {"self_collected": is_on}, reason="test")
        await database.close()

    apart(set_terms)


@pytest.fixture
def agent(faces: Faces) -> Iterator[Visitor]:
    collects(faces, True)
    visitor = Visitor(faces)
    visitor.sign_in(faces.sign_in_of("agent"))
    yield visitor
    sql(faces, "DELETE FROM payment_channel WHERE org_id = $1", faces.organisations["agent"].org_id)
    collects(faces, False)


def add(visitor: Visitor, name: str) -> int:
    done = visitor.post(
        f"{HOME}/new",
        {"protocol": "epay_v1", "name": name, "account_no": "1001", "c_gateway": "https://pay.example", "c_pid": "1001",
         "c_key": "k3y"},
    )  # fmt: skip
    assert done.status == 303, done.alert
    return int(done.header("location").rpartition("/")[2])


def test_an_agent_keeps_a_channel_of_its_own(faces: Faces, agent: Visitor) -> None:
    assert "暂无通道" in agent.get(HOME).text
    assert "APIv3" in agent.get(f"{HOME}/new").text
    number = add(agent, f"我的码 {secrets.token_hex(3)}")
    row = sql(faces, "SELECT org_id, is_on, credentials FROM payment_channel WHERE channel_id = $1", number)[0]
    assert (row["org_id"], row["is_on"]) == (faces.organisations["agent"].org_id, False)
    assert b"k3y" not in row["credentials"]
    page = agent.get(f"{HOME}/{number}")
    assert page.status == 200
    assert "k3y" not in page.text
    assert f"/pay/notices/{number}" in page.text
    assert agent.post(f"{HOME}/{number}/switch", {"on": "1"}).status == 303
    assert sql(faces, "SELECT is_on FROM payment_channel WHERE channel_id = $1", number)[0]["is_on"]
    assert agent.post(f"{HOME}/rule", {"rule": "first"}).status == 303
    assert re.search(r'value="first" checked', agent.get(HOME).text)
    refused = agent.post(f"{HOME}/{number}/credentials", {"c_pid": "1002", "c_key": "other-k3y"})
    assert refused.status == 422
    assert "other-k3y" not in refused.text


def test_nobody_touches_anothers_channel(faces: Faces, agent: Visitor) -> None:
    number = add(agent, f"我的码 {secrets.token_hex(3)}")
    house = sql(
        faces,
        "INSERT INTO payment_channel (org_id, protocol, name, currency, account_no, offers, made_at, changed_at)"
        " VALUES (0, 'bank', $1, 'CNY', '', '[]', now(), now()) RETURNING channel_id",
        f"house {secrets.token_hex(3)}",
    )[0]["channel_id"]
    for path, fields in (("", None), ("/switch", {"on": "1"}), ("/credentials", {"c_key": "x"}), ("/try", {})):
        where = f"{HOME}/{house}{path}"
        answer = agent.get(where) if fields is None else agent.post(where, fields)
        assert answer.status == 404, path
    other = Visitor(faces)
    other.sign_in(faces.sign_in_of("merchant"))
    assert other.post(f"{HOME}/{number}/switch", {"on": "1"}).status in (403, 404)
    assert not sql(faces, "SELECT is_on FROM payment_channel WHERE channel_id = $1", number)[0]["is_on"]
    sql(faces, "DELETE FROM payment_channel WHERE channel_id = $1", house)


def test_who_does_not_collect_has_none(faces: Faces, agent: Visitor) -> None:
    collects(faces, False)
    later = Visitor(faces)
    later.sign_in(faces.sign_in_of("agent"))
    assert "仅自收款店铺" in later.get(HOME).text
    sent = {"protocol": "epay_v1", "name": "x", "c_gateway": "https://pay.example", "c_pid": "1", "c_key": "k"}
    assert later.post(f"{HOME}/new", sent).status == 422
    org_id = faces.organisations["agent"].org_id
    assert sql(faces, "SELECT count(*) AS n FROM payment_channel WHERE org_id = $1", org_id)[0]["n"] == 0
