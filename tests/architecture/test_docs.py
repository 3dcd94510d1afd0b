"""The documentation against what it talks about: links, commands, settings, files, and its own shape."""

from __future__ import annotations

import argparse
import re
import shlex
import xml.etree.ElementTree as ET
from functools import cache
from itertools import chain, pairwise
from pathlib import Path

import pytest

from kameng.kit import settings
from kameng.ops import chaos, cli
from kameng.ops.bench import workloads

ROOT = Path(__file__).resolve().parents[2]
READMES = (ROOT / "README.md", ROOT / "README.zh-CN.md")
PAGES = sorted(chain(ROOT.glob("*.md"), ROOT.glob("docs/**/*.md"), ROOT.glob("examples/*.md")))
DECISIONS = sorted((ROOT / "docs" / "adr").glob("*.md"))
PICTURES = sorted((ROOT / "docs" / "images").glob("*.svg"))

OF_EXAMPLES = {f"KAMENG_{name}" for name in ("URL", "KEY", "SECRET", "REF", "CA", "INSECURE_TLS")}
"""What the example clients read from the environment; no settings of the platform."""

_FENCE = re.compile(r"^(```+)(\w*)\n(.*?)^\1$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")
_FILE = re.compile(r"`((?:[\w.-]+/)+[\w.-]+\.\w+|[\w-]+\.(?:py|sql|sh|mjs))`")

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))


def prose(page: Path) -> str:
    return _FENCE.sub("", page.read_text("utf-8"))


def headings(page: Path) -> list[tuple[int, str]]:
    """(level, text) of each."""
    found = re.findall(r"^(#+) (.+)$", prose(page), re.MULTILINE)
    return [(len(marks), text) for marks, text in found]


@cache
def anchors(page: Path) -> set[str]:
    """As GitHub makes them."""
    texts = (re.sub(r"[^\w\- ]", "", text.lower()) for _, text in headings(page))
    return {text.strip().replace(" ", "-") for text in texts}


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for link in (a or b for a, b in _LINK.findall(prose(page))):
        if re.match(r"(https?|mailto):", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@each_page
def test_files_named_are_there(page: Path) -> None:
    """A path is named from the root, from the package, or from where the page is."""
    places = (ROOT, ROOT / "src" / "kameng", page.parent)
    names = {name for name in _FILE.findall(prose(page)) if not name.startswith(("api/v1", "www."))}
    package = {path.name for folder in ("src", "examples") for path in (ROOT / folder).rglob("*.*")}
    missing = [
        name for name in names
        if not any((place / name).exists() for place in places) and ("/" in name or name not in package)
    ]  # fmt: skip
    assert missing == []


@each_page
def test_commands_can_be_given(page: Path) -> None:
    """Those in code blocks whole, with numbers in the place of names; of those in sentences the command itself."""
    for line in commands(page):
        words = [PLACEHOLDERS.get(word, word) for word in shlex.split(line, comments=True)]
        try:
            if words[1] in OWN_OPTIONS:
                OWN_OPTIONS[words[1]]().parse_args(words[2:])
            else:
                cli.parser().parse_args(words[1:])
        except SystemExit as refused:
            raise AssertionError(f"{page.name}: {line}") from refused
    for mention in re.findall(r"`kameng ([^`]+)`", prose(page)):
        assert is_command(cli.parser(), mention.split()), f"{page.name}: kameng {mention}"


OWN_OPTIONS = {"bench": workloads.parser, "chaos": chaos.parser}
PLACEHOLDERS = {"ORG": "1", "ak_…": "ak_1"}


def commands(page: Path) -> list[str]:
    blocks = (text.replace("\\\n", " ") for text in shell_blocks(page))
    lines = (line.strip() for text in blocks for line in text.splitlines())
    return [line for line in lines if re.match(r"(\.venv/bin/)?kameng ", line)]


def is_command(parser: argparse.ArgumentParser, words: list[str]) -> bool:
    """Whether the words begin with a command; what follows it are its arguments."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return words[:1] != [] and words[0] in action.choices and is_command(action.choices[words[0]], words[1:])
    return True


@each_page
def test_settings_named_exist(page: Path) -> None:
    known = {setting.environment for setting in settings.describe()} | settings.NOT_SETTINGS | OF_EXAMPLES
    named = set(re.findall(r"\bKAMENG_[A-Z0-9_]*[A-Z0-9]\b", page.read_text("utf-8")))
    assert {name for name in named if not name.startswith(settings.TEST_PREFIX)} <= known


@each_page
def test_one_title_and_no_level_left_out(page: Path) -> None:
    levels = [level for level, _ in headings(page)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(deeper <= level + 1 for level, deeper in pairwise(levels))


def test_both_readmes_say_the_same_at_once() -> None:
    english, chinese = READMES
    assert [level for level, _ in headings(english)] == [level for level, _ in headings(chinese)]
    for page in READMES:
        first = page.read_text("utf-8").splitlines()[:40]
        assert [line for line in first if line in ("./run", "./test")] == ["./run", "./test"]
        assert any("docs/images/order" in line for line in first)
    assert [plain(text) for text in shell_blocks(english)] == [plain(text) for text in shell_blocks(chinese)]


def shell_blocks(page: Path) -> list[str]:
    return [text for _, kind, text in _FENCE.findall(page.read_text("utf-8")) if kind == "sh"]


def plain(shell: str) -> list[str]:
    """The commands without what is said about them."""
    lines = [line.partition("#")[0].rstrip() for line in shell.splitlines()]
    return [line for line in lines if line]


def test_the_changelog_keeps_its_shape() -> None:
    title, *rest = headings(ROOT / "CHANGELOG.md")
    assert title == (1, "Changelog")
    assert rest[0] == (2, "[Unreleased]")
    versions = [text for level, text in rest if level == 2][1:]
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", text) for text in versions)
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert {text for level, text in rest if level == 3} <= kinds
    assert {level for level, _ in rest} <= {2, 3}


def test_decisions_are_numbered_indexed_and_whole() -> None:
    assert [path.name[:4] for path in DECISIONS] == [f"{n:04d}" for n in range(1, len(DECISIONS) + 1)]
    index = (ROOT / "docs" / "README.md").read_text("utf-8")
    for path in DECISIONS:
        (_, title), *sections = headings(path)
        assert title.startswith(f"{path.name[:4]}. ")
        assert f"[{title[6:]}](adr/{path.name})" in index
        wanted = ["Context", "Decision", "Consequences", "Alternatives"]
        assert [text for _, text in sections if text in wanted] == wanted
        assert 30 <= len(path.read_text("utf-8").splitlines()) <= 60, path.name


@pytest.mark.parametrize("picture", PICTURES, ids=lambda path: path.name)
def test_pictures_stand_alone_in_light_and_dark(picture: Path) -> None:
    text = picture.read_text("utf-8")
    root = ET.fromstring(text)
    assert root.find("{http://www.w3.org/2000/svg}title") is not None
    assert "prefers-color-scheme: dark" in text
    assert not re.findall(r"https?://(?!www\.w3\.org/)|<script|@import|<image", text)
