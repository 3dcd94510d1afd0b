"""Keys and certificates, made once into the simulator's folder: RSA of 2048 bits, and a small authority that signs."""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from kameng.kit import clock

_LASTS = timedelta(days=3650)


class Pair:
    """A private key, its public half, and a certificate if it has one."""

    def __init__(self, key: rsa.RSAPrivateKey, certificate: x509.Certificate | None = None) -> None:
        self.key = key
        self.certificate = certificate

    @cached_property
    def public(self) -> rsa.RSAPublicKey:
        return self.key.public_key()

    @property
    def private_pem(self) -> str:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()

    @property
    def public_pem(self) -> str:
        return self.public.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ).decode()

    @property
    def certificate_pem(self) -> str:
        assert self.certificate is not None
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @cached_property
    def serial(self) -> str:
        """The certificate's, as WeChat writes it."""
        assert self.certificate is not None
        return f"{self.certificate.serial_number:X}"


class KeyFolder:
    """What was made before is found again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def pair(self, name: str) -> Pair:
        """A bare key pair."""
        path = self._folder / f"{name}.key"
        if not path.exists():
            made = Pair(rsa.generate_private_key(public_exponent=65537, key_size=2048))
            _write(path, made.private_pem)
        loaded = serialization.load_pem_private_key(path.read_bytes(), None)
        assert isinstance(loaded, rsa.RSAPrivateKey)
        return Pair(loaded)

    def certified(self, name: str, common_name: str, *, by: Pair | None = None, is_authority: bool = False) -> Pair:
        """A key pair with a certificate, signed ``by`` an authority; without one it is an authority itself."""
        bare = self.pair(name)
        path = self._folder / f"{name}.crt"
        if not path.exists():
            _write(
                path,
                Pair(
                    bare.key, _certify(bare, common_name, by, is_authority=is_authority or by is None)
                ).certificate_pem,
            )
        return Pair(bare.key, x509.load_pem_x509_certificate(path.read_bytes()))

    def text(self, name: str, made: str) -> str:
        """A secret text; ``made`` the first time."""
        path = self._folder / f"{name}.txt"
        if not path.exists():
            _write(path, made)
        return path.read_text("utf-8")


def _certify(pair: Pair, common_name: str, by: Pair | None, *, is_authority: bool) -> x509.Certificate:
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Kameng Sim"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "Pay"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )
    issuer = subject if by is None or by.certificate is None else by.certificate.subject
    now = clock.now()
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(pair.public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _LASTS)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    return built.sign(pair.key if by is None else by.key, hashes.SHA256())


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, "utf-8")
