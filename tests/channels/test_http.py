"""The client of providers' calls against servers of the test's own: what answers, what does not, what never left."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from providers import until

from kameng.channels import Http, http
from kameng.channels.calling import Answer, call


class Server:
    """Says to each request what it was given, in order; the last for ever. None: the line is closed without a word."""

    def __init__(self, *says: bytes | None) -> None:
        self.says = list(says)
        self.heard: list[bytes] = []
        self.connections = 0
        self.url = ""
        self.talks: list[tuple[asyncio.StreamWriter, asyncio.Task[None] | None]] = []

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.talks.append((writer, asyncio.current_task()))
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                size = next((int(x[15:]) for x in head.split(b"\r\n") if x.startswith(b"content-length:")), 0)
                self.heard.append(head + await reader.readexactly(size))
                said = self.says.pop(0) if len(self.says) > 1 else self.says[0]
                if said is None:
                    break
                writer.write(said)
                await writer.drain()
                if b"content-length" not in said or b"connection: close" in said:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()


@asynccontextmanager
async def serving(*says: bytes | None, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    server = Server(*says)
    listening = await asyncio.start_server(server.talk, "127.0.0.1", 0, ssl=tls)
    port = listening.sockets[0].getsockname()[1]
    server.url = f"http{'s' if tls else ''}://127.0.0.1:{port}/do"
    try:
        yield server
    finally:
        listening.close()
        for writer, task in server.talks:
            writer.close()
            assert task is not None
            await task


def saying(body: bytes, more: bytes = b"", status: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 %b\r\ncontent-length: %d\r\n%b\r\n%b" % (status, len(body), more, body)


OK = saying(b"ok")
CHUNKED = (
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nX-Sig: a\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\nx-sig: forged\r\n\r\n"
)


async def test_a_request_as_it_is_sent() -> None:
    async with serving(OK) as server, Http() as client:
        got = await call(
            client, "POST", f"{server.url}?a=b", params={"c": "d e&é"}, form={"x": "=", "y": "中"}, headers={"k": "v"}
        )
        assert (got.status, got.body, got.was_sent) == (200, b"ok", True)
        await call(client, "GET", f"{server.url}/ü?q=1#part")
        host = server.url[7:-3].encode()
    assert server.heard == [
        b"POST /do?a=b&c=d+e%26%C3%A9 HTTP/1.1\r\nhost: " + host + b"\r\naccept-encoding: identity\r\naccept: */*\r\n"
        b"user-agent: kameng\r\nk: v\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 17\r\n\r\n"
        b"x=%3D&y=%E4%B8%AD",
        b"GET /do/%C3%BC?q=1 HTTP/1.1\r\nhost: " + host + b"\r\naccept-encoding: identity\r\naccept: */*\r\n"
        b"user-agent: kameng\r\n\r\n",
    ]


async def test_one_connection_serves_one_call_after_another_and_more_at_once() -> None:
    async with serving(OK) as server, Http() as client:
        for _ in range(3):
            assert (await call(client, "POST", server.url, body=b"{}")).status == 200
        assert server.connections == 1
        answers = await asyncio.gather(*(call(client, "POST", server.url) for _ in range(5)))
        assert ([one.status for one in answers], server.connections) == ([200] * 5, 5)


async def test_no_more_calls_at_once_than_it_may() -> None:
    async with serving(OK) as server, Http(calls_max=2) as client:
        answers = await asyncio.gather(*(call(client, "POST", server.url) for _ in range(9)))
        assert ([one.status for one in answers], server.connections) == ([200] * 9, 2)


@pytest.mark.parametrize(
    ("said", "status", "body"),
    [
        (CHUNKED, 200, b"abc"),
        (b"HTTP/1.1 200 OK\r\n\r\nto the end", 200, b"to the end"),
        (b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n", 204, b""),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + saying(b"after", status=b"201 Created"), 201, b"after"),
        (saying(b"there", b"location: http://127.0.0.1:1/\r\nset-cookie: a=b\r\n", b"302 Found"), 302, b"there"),
        (saying(b"busy", b"connection: close\r\n", b"503 Busy"), 503, b"busy"),
    ],
    ids=["chunked", "to the end", "empty", "after 100", "redirect", "closing"],
)
async def test_answers(said: bytes, status: int, body: bytes) -> None:
    async with serving(said) as server, Http() as client:
        for _ in range(2):
            got = await call(client, "GET", server.url)
            assert (got.status, got.body, got.fault) == (status, body, "")
    assert not any(b"cookie" in one for one in server.heard)


async def test_names_are_in_lower_case_and_what_follows_a_body_is_no_header() -> None:
    async with serving(CHUNKED) as server, Http() as client:
        assert (await call(client, "GET", server.url)).headers == {"transfer-encoding": "chunked", "x-sig": "a"}


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        (None, "ServerDisconnected"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\nconnection: close\r\n\r\nhalf", "ServerDisconnected"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhal", "ServerDisconnected"),
        (b"HTTP/1.1 200 OK\r\nx: y", "ServerDisconnected"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "HttpParserError"),
        (saying(b"", b"content-length: 7\r\n"), "HttpParserError"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * (http.HEAD_BYTES_MAX + 1), "the head is too long"),
        (saying(b"x" * 2000), "the answer is too long"),
        (saying(b"\x1f\x8b", b"content-encoding: gzip\r\n"), "packed, and nobody asked for it"),
    ],
    ids=["cut", "half", "half a piece", "half a head", "another protocol", "two lengths", "long head", "long",
         "packed"],
)
async def test_what_is_no_answer_may_have_been_done(said: bytes | None, fault: str) -> None:
    async with serving(said) as server, Http() as client:
        got = await call(client, "POST", server.url, body=b"x", bytes_max=1999)
        assert got == Answer(0, fault=got.fault)
        assert got.fault == fault
        again = await call(client, "POST", server.url, body=b"x", bytes_max=1999)
        assert (again.status, server.connections, len(server.heard)) == (0, 2, 2), "neither asked twice nor kept"


async def test_what_a_kept_connection_lost_is_asked_again_if_it_only_asks() -> None:
    async with serving(OK, None, OK, None, OK) as server, Http() as client:
        assert (await call(client, "GET", server.url)).status == 200
        assert (await call(client, "GET", server.url)).status == 200
        assert (len(server.heard), server.connections) == (3, 2)
        got = await call(client, "POST", server.url, body=b"pay")
        assert (got.status, got.was_sent, len(server.heard)) == (0, True, 4)


async def test_an_answer_too_many_is_nobodys() -> None:
    async with serving(saying(b"mine") + saying(b"forged"), OK) as server, Http() as client:
        assert (await call(client, "GET", server.url)).body == b"mine"
        assert (await call(client, "GET", server.url)).body == b"ok"
        assert server.connections == 2


async def test_silence_ends_and_its_connection_is_not_used_again() -> None:
    async with serving(b"", OK) as server, Http() as client:
        server.says[0] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"
        got = await call(client, "GET", server.url, timeout_s=0.05)
        assert got == Answer(0, fault="TimeoutError")
        assert ((await call(client, "GET", server.url)).body, server.connections) == (b"ok", 2)


async def test_whoever_waits_for_his_turn_waits_no_longer_either() -> None:
    silent = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"
    async with serving(silent) as server, Http(calls_max=1) as client:
        first = asyncio.ensure_future(call(client, "GET", server.url))
        await until(lambda: bool(server.heard))
        assert await call(client, "GET", server.url, timeout_s=0.05) == Answer(0, fault="TimeoutError")
        assert len(server.heard) == 1
    assert (await first).status == 0


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1/", "http:///x", "http://somebody@127.0.0.1/", "http://127.0.0.1:port/", "nonsense"]
)
async def test_what_is_no_address(url: str) -> None:
    async with Http() as client:
        assert await call(client, "GET", url) == Answer(0, fault="ValueError")


@pytest.mark.parametrize("value", ["a\r\nb: c", "a\nb", "a\rb"])
async def test_a_header_holds_one_line(value: str) -> None:
    async with serving(OK) as server, Http() as client:
        assert await call(client, "GET", server.url, headers={"x": value}) == Answer(0, fault="ValueError")
        assert server.connections == 0


async def test_nobody_there() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        async with Http() as client:
            got = await call(client, "POST", f"http://127.0.0.1:{taken.getsockname()[1]}/")
            assert got == Answer(0, was_sent=False, fault="ConnectionRefusedError")


async def test_an_address_is_looked_at_before_it_is_connected_to() -> None:
    def refuse(info: http.AddressInfo) -> socket.socket:
        raise PermissionError(info[4][0])

    async with serving(OK) as server, Http(socket_factory=refuse) as client:
        got = await call(client, "GET", server.url)
        assert (got, server.connections) == (Answer(0, was_sent=False, fault="PermissionError"), 0)


async def test_certificates_are_verified(tmp_path: Path) -> None:
    ours, theirs = _certificate(tmp_path / "ours"), _certificate(tmp_path / "theirs")
    trust = ssl.create_default_context(cafile=str(tmp_path / "ours.crt"))
    async with serving(OK, tls=ours) as good, serving(OK, tls=theirs) as bad, Http(trust=trust) as client:
        for _ in range(2):
            assert (await call(client, "GET", good.url)).body == b"ok"
        assert (good.connections, len(good.heard)) == (1, 2)
        for url in (bad.url, good.url.replace("127.0.0.1", "127.0.0.2"), good.url.replace("127.0.0.1", "localhost")):
            got = await call(client, "GET", url)
            assert (got.status, got.was_sent) == (0, False), url
        assert (len(bad.heard), len(good.heard)) == (0, 2)
    async with serving(OK, tls=ours) as good, Http() as client:
        got = await call(client, "GET", good.url)
        assert got == Answer(0, was_sent=False, fault="SSLCertVerificationError")


async def test_closing_ends_calls_under_way() -> None:
    silent = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"
    async with serving(silent) as server:
        client = Http()
        under_way = asyncio.ensure_future(call(client, "POST", server.url))
        await until(lambda: bool(server.heard))
        await client.close()
        assert (await under_way).status == 0


def _certificate(at: Path) -> ssl.SSLContext:
    """Signed by itself, for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, at.name)])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 7, now, now + datetime.timedelta(days=1))
        .add_extension(address, critical=False).add_extension(x509.BasicConstraints(True, None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    at.with_suffix(".crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    at.with_suffix(".key").write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ))  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(at.with_suffix(".crt"), at.with_suffix(".key"))
    return context
