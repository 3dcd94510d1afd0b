"""The certificate: made once, fit for this machine, renewed in time; a bad given one is refused."""

from __future__ import annotations

import asyncio
import socket
import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from kameng.kit import clock
from kameng.kit.errors import Fault
from kameng.ops import tls

DAY_MS = 86_400_000
HOST = socket.gethostname().lower()


def test_a_pair_is_made_once(tmp_path: Path) -> None:
    certificate, key = tls.ensure_certificate(tmp_path / "tls")
    made = certificate.read_bytes(), key.read_bytes()
    assert tls.ensure_certificate(tmp_path / "tls") == (certificate, key)
    assert (certificate.read_bytes(), key.read_bytes()) == made
    assert sorted(path.name for path in (tmp_path / "tls").iterdir()) == ["certificate.pem", "key.pem"]


def test_it_names_this_machine_and_nobody_else_reads_the_key(tmp_path: Path) -> None:
    certificate, key = tls.ensure_certificate(tmp_path / "tls")
    made = x509.load_pem_x509_certificate(certificate.read_bytes())
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == list(dict.fromkeys(["localhost", HOST]))
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    public = made.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    assert public.curve.name == "secp256r1"
    assert key.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
async def test_a_client_that_trusts_it_connects(tmp_path: Path, name: str) -> None:
    certificate, key = tls.ensure_certificate(tmp_path)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate, key)
    trusting = ssl.create_default_context(cafile=str(certificate))

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0, ssl=serving)
    async with server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting, server_hostname=name)
        assert await reader.read() == b"hello"
        writer.close()
        await writer.wait_closed()


def test_it_is_renewed_when_fewer_than_thirty_days_remain(tmp_path: Path) -> None:
    now_ms = clock.now_ms()
    certificate, _ = tls.ensure_certificate(tmp_path)
    first = x509.load_pem_x509_certificate(certificate.read_bytes())
    ends_ms = int(first.not_valid_after_utc.timestamp() * 1000)
    assert 396 * DAY_MS < ends_ms - now_ms < 397 * DAY_MS

    with clock.hold(ends_ms - 30 * DAY_MS):
        tls.ensure_certificate(tmp_path)
        assert x509.load_pem_x509_certificate(certificate.read_bytes()) == first
    with clock.hold(ends_ms - 30 * DAY_MS + 1):
        tls.ensure_certificate(tmp_path)
        second = x509.load_pem_x509_certificate(certificate.read_bytes())
    assert second != first
    assert second.not_valid_after_utc - first.not_valid_after_utc > timedelta(days=366)


@pytest.mark.parametrize("lost", ["certificate.pem", "key.pem"])
@pytest.mark.parametrize("left", [None, b"", b"half a file"])
def test_a_broken_pair_is_made_again(tmp_path: Path, lost: str, left: bytes | None) -> None:
    pair = tls.ensure_certificate(tmp_path)
    if left is None:
        (tmp_path / lost).unlink()
    else:
        (tmp_path / lost).write_bytes(left)
    assert tls.ensure_certificate(tmp_path) == pair
    assert tls.check_certificate(*pair) > clock.now()


def test_a_given_pair_must_fit(tmp_path: Path) -> None:
    certificate, _ = tls.ensure_certificate(tmp_path / "one")
    _, key = tls.ensure_certificate(tmp_path / "two")
    with pytest.raises(Fault, match=r"does not belong to the certificate[\s\S]*不匹配"):
        tls.check_certificate(certificate, key)


def test_a_given_pair_must_be_in_its_time(tmp_path: Path) -> None:
    pair = tls.ensure_certificate(tmp_path)
    with clock.hold(clock.now_ms() + 397 * DAY_MS), pytest.raises(Fault, match=r"expired on[\s\S]*过期"):
        tls.check_certificate(*pair)
    with clock.hold(clock.now_ms() - DAY_MS), pytest.raises(Fault, match=r"valid only from[\s\S]*起才有效"):
        tls.check_certificate(*pair)


def test_given_files_that_are_no_pair_are_named(tmp_path: Path) -> None:
    certificate, key = tls.ensure_certificate(tmp_path)
    missing = tmp_path / "missing.pem"
    with pytest.raises(Fault, match=r"missing\.pem can't be read \(No such file or directory\)"):
        tls.check_certificate(missing, key)
    with pytest.raises(Fault, match=r"key\.pem is not a certificate in PEM form"):
        tls.check_certificate(key, key)
    with pytest.raises(Fault, match=r"certificate\.pem is not a private key in PEM form"):
        tls.check_certificate(certificate, certificate)


def test_a_key_with_a_password_is_refused_with_the_remedy(tmp_path: Path) -> None:
    certificate, _ = tls.ensure_certificate(tmp_path)
    locked = tmp_path / "locked.pem"
    locked.write_bytes(
        rsa.generate_private_key(65537, 2048).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"password"),
        )
    )
    with pytest.raises(Fault, match=r"asks for a password; take it off: openssl pkey"):
        tls.check_certificate(certificate, locked)
