"""Where webhooks may go, by their address as written and by what it resolves to."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator

import pytest
from desk import LOOPBACK
from standins import StandIn, stand_in

from kameng.notices import BadEndpoint, Policy, Sender
from kameng.notices.targets import NotPublic

STRICT = Policy()


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/", "ftp://shop.example/", "https:///x", "https://user@shop.example/", "https://127.0.0.1/",
        "https://10.0.0.8/", "https://169.254.169.254/latest", "https://[::1]/", "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::a00:1]/", "https://[2002:a00:1::]/", "https://100.64.0.1/", "https://0.0.0.0/",
        "https://shop.example/#x", "https://shop.example:99999/", "https://shop .example/", "https://店.example/",
        f"https://shop.example/{'x' * 500}", "https://224.0.0.1/", "https://[fd00::1]/", "https://192.0.2.1/",
    ],
)  # fmt: skip
def test_addresses_that_are_no_target(url: str) -> None:
    with pytest.raises(BadEndpoint) as refused:
        STRICT.check_url(url)
    assert refused.value.field == "url"


@pytest.mark.parametrize("url", ["https://shop.example/kameng?x=1", "https://8.8.8.8:8443/", "https://[2606:4700::1]/"])
def test_addresses_that_are(url: str) -> None:
    STRICT.check_url(url)


def test_an_operator_may_allow_more() -> None:
    LOOPBACK.check_url("http://127.0.0.1:9000/")
    with pytest.raises(BadEndpoint):
        LOOPBACK.check_url("http://10.0.0.1:9000/")


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "::1", "fe80::1%eth0", "::ffff:192.168.0.1"])
def test_the_last_look_is_at_the_socket(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with pytest.raises(NotPublic):
        STRICT.socket_for((family, socket.SOCK_STREAM, 0, "", (address, 443)))


@pytest.fixture
async def post() -> AsyncIterator[StandIn]:
    async with stand_in("receiver") as made:
        yield made


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_private_addresses_are_not_reached(post: StandIn, host: str) -> None:
    """Also where a name only resolves to one: as after a rebinding."""
    async with Sender(Policy(http=True)) as sender:
        outcome = await sender.send(f"http://{host}:{post.port}/", [b"k"], message_id="msg_1", body=b"{}")
    assert (outcome.status, outcome.fault) == (0, "the address is not public")
    assert await post.seen() == []
    async with Sender(LOOPBACK) as sender:
        outcome = await sender.send(f"http://127.0.0.1:{post.port}/", [b"k"], message_id="msg_1", body=b"{}")
    assert outcome.status == 204


async def test_an_answer_that_does_not_come_is_a_fault_without_the_address(post: StandIn) -> None:
    await post.mode("silent")
    async with Sender(LOOPBACK, timeout_s=0.3) as sender:
        silent = await sender.send(f"{post.url}/?token=hunter2", [b"k"], message_id="msg_1", body=b"{}")
        absent = await sender.send("http://127.0.0.1:9/?token=hunter2", [b"k"], message_id="msg_1", body=b"{}")
    assert silent.fault == "no answer in time"
    assert absent.fault.startswith("no connection")
    assert "hunter2" not in silent.fault + absent.fault
