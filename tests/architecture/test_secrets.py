"""No file of the repository holds a secret: private keys, key secrets, passwords in addresses, tokens in settings.

What is committed, and what would be next (new files that git does not ignore). It reads files as they are now; what
an older commit held, and what is packed in an archive, it does not see.
"""

from __future__ import annotations

import hashlib
import math
import re
import subprocess
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from house import ROOT, every_file, name_of

from kameng.kit import crypto
from kameng.ops import tls

LOOKS_LIKE = {
    "private key": re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"),
    "key secret": re.compile(r"(?<![A-Za-z0-9_-])ks_[A-Za-z0-9_-]{32,}"),
    "password in an address": re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/:@\"'`]*:[^\s/@\"'`]+@[^\s\"'`]*"),
    "token of a service": re.compile(
        r"\b(?:AKIA[0-9A-Z]{16}|LTAI[A-Za-z0-9]{12,24}|AKID[A-Za-z0-9]{32}|gh[opsur]_[A-Za-z0-9]{36}"
        r"|github_pat_\w{22,}|glpat-[\w-]{20,}|xox[abprs]-[\w-]{10,}|[sr]k_live_\w{16,}|pypi-[\w-]{50,}"
        r"|npm_[A-Za-z0-9]{36}|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,})"
    ),
}
"""What is a secret wherever it stands."""

SECRET_TEXT = re.compile(
    r"(?i)(?:secret|passw(?:or)?d|passphrase|token|api_?key|hash_key|access_?key)[\"']?\s*[:=]\s*b?[\"']"
    r"([A-Za-z0-9+/_=-]{20,})[\"']"
)
LONG_WORD = re.compile(r"[A-Za-z0-9+/_=-]{24,}")
ENTROPY_MIN = 4.0
"""Bits a character: 24 random letters and digits have 4.3, names and paths in our settings up to 3.9."""
SETTINGS = {
    ".cfg", ".conf", ".env", ".ini", ".json", ".npmrc", ".properties", ".service", ".toml", ".xml", ".yaml", ".yml",
}  # fmt: skip

ALLOWED = {
    ("web/package-lock.json", r"sha512-[A-Za-z0-9+/=]{88}"): "npm's digests of what is fetched; digests are public",
    ("src/kameng/kit/settings.py", r"postgresql:/{2}user:password@host/.*"): "the form that a refusal asks for",
    ("tests/kit/test_logs.py", r"postgresql:/{2}kameng:hunter2@db/kameng"): "made up: what the log has to mask",
    ("tests/kit/test_settings.py", r"(postgresql|mysql):/{2}kameng:hunter2@db/kameng"): "made up: never to be printed",
    ("tests/ops/test_cli.py", r"postgresql:/{2}kameng:hunter22@.*"): "made up: `kameng settings` must not show it",
    ("tests/ops/test_embedded.py", r"postgresql:/{2}kameng:guess@127\.0\.0\.1:\{port\}/kameng"): "a wrong guess",
    ("src/kameng/ops/bench/echo.py", r"ABCD-EFGH-JKLM-NPQR-STUV"): "the card in an answer that only the bench echoes",
}
"""(file, what stands there) and why it may: each exception by itself. One that is not met any more has to go."""


def found_in(text: str, *, is_settings: bool) -> Iterator[tuple[int, str, str]]:
    """(line, kind, what) of everything that looks like a secret."""
    for number, line in enumerate(text.splitlines(), 1):
        for kind, pattern in LOOKS_LIKE.items():
            yield from ((number, kind, match[0]) for match in pattern.finditer(line))
        for match in SECRET_TEXT.finditer(line):
            if entropy(match[1]) >= ENTROPY_MIN:
                yield number, "secret in a text", match[1]
        for match in LONG_WORD.finditer(line) if is_settings else ():
            if entropy(match[0]) >= ENTROPY_MIN and re.search("[0-9]", match[0]):
                yield number, "random text in settings", match[0]


def entropy(text: str) -> float:
    """Shannon's, in bits a character."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


def is_settings(path: Path) -> bool:
    return path.suffix in SETTINGS or path.name in SETTINGS or path.name.startswith(".env")


def secrets_of(path: Path, name: str) -> Iterator[tuple[str, str, tuple[str, str] | None]]:
    """(place and kind, what, the exception that allows it) for one file. The place never repeats the secret."""
    for line, kind, what in found_in(path.read_text("utf-8", "replace"), is_settings=is_settings(path)):
        allowed = (rule for rule in ALLOWED if rule[0] == name and re.fullmatch(rule[1], what))
        yield f"{name}:{line}: {kind}", what, next(allowed, None)


def committed() -> list[Path]:
    """What git knows or would take; without git (an unpacked release) every file of the house."""
    listing = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        return every_file()
    return sorted(path for name in names if name and (path := ROOT / name).is_file())


def test_no_file_holds_a_secret() -> None:
    faults, used = [], set()
    for path in committed():
        for place, _, allowed in secrets_of(path, name_of(path)):
            if allowed is None:
                faults.append(place)
            used.add(allowed)
    assert faults == []
    assert [rule for rule in ALLOWED if rule not in used] == [], "not met any more: take it out"


def test_it_walks_what_is_committed() -> None:
    names = {name_of(path) for path in committed()}
    assert {"pyproject.toml", "web/.npmrc", "src/kameng/__main__.py", "docs/api/signing.md", "run"} <= names
    assert not any(name.startswith(".venv/") for name in names)


def a_token(count: int) -> str:
    """Random to the eye, the same every time, and nowhere in this file."""
    return b64encode(hashlib.sha512(b"planted").digest()).decode()[:count]


def a_key_ring(folder: Path) -> Path:
    crypto.KeyFile(folder / "keyring.json").create()
    return folder / "keyring.json"


PLANTED: dict[str, tuple[str, Callable[[], str], str]] = {
    "a secret in a page": ("page.md", lambda: f"KEY={crypto.secret_text('ks_')}", "key secret"),
    "a secret in a test": ("test_it.py", lambda: f'key = "{crypto.secret_text("ks_")}"', "key secret"),
    "an ssh key": ("notes", lambda: f"-----BEGIN {'OPENSSH '}PRIVATE KEY-----\nb3Bl", "private key"),
    "an address": ("a.sh", lambda: f"psql postgresql://kameng:{'h4' * 4}@db.example/kameng", "password in an address"),
    "a cloud's key": ("a.py", lambda: f"ID = '{'AKIA' + 'Q' * 16}'", "token of a service"),
    "a forge's token": ("a.sh", lambda: f"export T={'ghp_'}{'a1B2' * 9}", "token of a service"),
    "a password": ("a.py", lambda: f'password = "{a_token(24)}"', "secret in a text"),
    "a setting": ("kameng.toml", lambda: f'webhook = "{a_token(32)}"', "random text in settings"),
    "npm's": (".npmrc", lambda: f"//registry.example/:_auth={a_token(40)}", "random text in settings"),
    "an environment": (".env.local", lambda: f"WORD={a_token(40)}", "random text in settings"),
}


@pytest.mark.parametrize("case", PLANTED)
def test_it_finds_what_is_planted(case: str, tmp_path: Path) -> None:
    name, content, kind = PLANTED[case]
    path = tmp_path / name
    path.write_text(f"# the first line\n{content()}\n")
    places = [place for place, _, allowed in secrets_of(path, name) if allowed is None]
    assert places == [f"{name}:2: {kind}"]


def test_it_finds_what_kameng_itself_makes(tmp_path: Path) -> None:
    """Whoever keeps his data folder in the repository is told before he commits it."""
    ring, (_, key) = a_key_ring(tmp_path), tls.ensure_certificate(tmp_path / "tls")
    kinds = {place.rpartition(": ")[2] for path in (ring, key) for place, _, _ in secrets_of(path, path.name)}
    assert kinds == {"secret in a text", "random text in settings", "private key"}


def test_an_exception_holds_for_its_file_and_text_only(tmp_path: Path) -> None:
    path = tmp_path / "settings.py"
    path.write_text("'postgresql://" + "user:password@host/database' 'postgresql://" + "user:s3same@host/database'")
    there, elsewhere = (list(secrets_of(path, name)) for name in ("src/kameng/kit/settings.py", "src/other.py"))
    assert [allowed is not None for _, _, allowed in there] == [True, False]
    assert [allowed for _, _, allowed in elsewhere] == [None, None]


@pytest.mark.parametrize(
    "harmless",
    [
        "KAMENG_SECRET=ks_…", "secret = ks_example_do_not_use", 'token = "KAMENG_TRUSTED_PROXIES_OF_MINE"',
        "openssl genpkey -algorithm ed25519 -out kameng.pem", "https://127.0.0.1:8443/api/v1/orders?a=b@c",
        "test_tasks_in_a_row_are_done_by_whoever_comes_first_of_all_that_wait", "postgresql://kameng@db/kameng",
        "'pattern': '^ak_(test_)?[1-9][0-9]{0,18}$'", "docs/adr/0011-the-server-hands-orders-over-as-bytes.md",
    ],
)  # fmt: skip
def test_it_lets_pass_what_is_none(harmless: str) -> None:
    assert list(found_in(harmless, is_settings=True)) == []
