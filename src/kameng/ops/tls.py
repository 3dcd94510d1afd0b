"""The certificate the door shows: the operator's, checked, or one of our own making for this machine."""

from __future__ import annotations

import ipaddress
import os
import secrets
import socket
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kameng.kit import clock
from kameng.kit.errors import Fault
from kameng.kit.settings import Settings
from kameng.ops import ground

VALID = timedelta(days=397)
"""The most that browsers take."""
RENEWED_BEFORE = timedelta(days=30)
_BACKDATED = timedelta(hours=1)
"""For clients whose clock is late."""


def certificate_files(chosen: Settings) -> tuple[Path, Path] | None:
    """The operator's pair, checked; else our own, made and renewed here; None for plain http."""
    if chosen.tls_certificate == "off":
        return None
    if not chosen.tls_certificate:
        return ensure_certificate(chosen.data_dir / "tls")
    pair = Path(chosen.tls_certificate), Path(chosen.tls_key)
    check_certificate(*pair)
    return pair


def ensure_certificate(folder: Path) -> tuple[Path, Path]:
    """The folder's self-signed pair (certificate, key), made or renewed when it is due."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    with ground.alone(folder):
        if not _is_fit(certificate, key):
            _make(certificate, key)
    return certificate, key


def check_certificate(certificate: Path, key: Path) -> datetime:
    """Refuse a pair that no client would take; returns when it expires."""
    chain, secret = _read_chain(certificate), _read_key(key)
    if _public(chain[0].public_key()) != _public(secret.public_key()):
        raise Fault(
            f"The key {key} does not belong to the certificate {certificate}. In a chain the site's own"
            " certificate comes first.\n"
            f"私钥 {key} 与证书 {certificate} 不匹配；证书链文件中，站点证书应排在最前。"
        )
    begins = max(link.not_valid_before_utc for link in chain)
    ends = min(link.not_valid_after_utc for link in chain)
    if clock.now() < begins:
        raise Fault(
            f"{certificate} is valid only from {begins:%Y-%m-%d %H:%M} UTC: is this machine's clock right?\n"
            f"{certificate} 自 {begins:%Y-%m-%d %H:%M} UTC 起才有效，请检查本机时间。"
        )
    if clock.now() >= ends:
        raise Fault(
            f"{certificate} expired on {ends:%Y-%m-%d}: renew it.\n"
            f"{certificate} 已于 {ends:%Y-%m-%d} 过期，请更换。"
        )
    return ends


def _is_fit(certificate: Path, key: Path) -> bool:
    with suppress(Fault):
        return check_certificate(certificate, key) - clock.now() >= RENEWED_BEFORE
    return False


def _make(certificate: Path, key: Path) -> None:
    """The key first. Should the power fail between the two, they don't fit and are made again."""
    secret = ec.generate_private_key(ec.SECP256R1())
    hostname = socket.gethostname()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Kameng 卡盟")])
    loopback = [x509.IPAddress(ipaddress.ip_address(address)) for address in ("127.0.0.1", "::1")]
    names = [x509.DNSName(name) for name in dict.fromkeys(["localhost", *_dns_names(hostname)])]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(secret.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(clock.now() - _BACKDATED)
        .not_valid_after(clock.now() + VALID - _BACKDATED)
        .add_extension(x509.SubjectAlternativeName([*names, *loopback]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(secret, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = serialization.PrivateFormat.PKCS8
    _write(key, secret.private_bytes(pem, private, serialization.NoEncryption()), mode=0o600)
    _write(certificate, made.public_bytes(pem), mode=0o644)


def _dns_names(hostname: str) -> list[str]:
    """The host's name where it can stand in a certificate."""
    is_plain = hostname.isascii() and len(hostname) <= 253 and not set(hostname) & set("_ :/")
    return [hostname.lower()] if hostname and is_plain else []


def _write(path: Path, content: bytes, *, mode: int) -> None:
    """Whole or not at all, and never readable to others for a moment."""
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    scratch.rename(path)


def _read_chain(path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except OSError as error:
        raise _unreadable(path, error) from None
    except ValueError:
        raise Fault(f"{path} is not a certificate in PEM form.\n{path} 不是 PEM 格式的证书。") from None


def _read_key(path: Path) -> PrivateKeyTypes:
    try:
        return serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise _unreadable(path, error) from None
    except TypeError:
        raise Fault(
            f"The key {path} asks for a password; take it off: openssl pkey -in {path} -out key.pem\n"
            f"私钥 {path} 带有密码，请先去除：openssl pkey -in {path} -out key.pem"
        ) from None
    except ValueError:
        raise Fault(f"{path} is not a private key in PEM form.\n{path} 不是 PEM 格式的私钥。") from None


def _unreadable(path: Path, error: OSError) -> Fault:
    return Fault(f"{path} can't be read ({error.strerror}).\n无法读取 {path}（{error.strerror}）。")


def _public(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
