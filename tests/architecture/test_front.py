"""The front's house rules: tokens for colours and distances, nothing inline, htmx in one folder, nothing of others."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from house import PACKAGE

WEB = PACKAGE / "web"
SHEETS = sorted(path for path in (WEB / "static").glob("*.css") if path.name != "tokens.css")
SCRIPTS = sorted((WEB / "static").glob("*.js"))
TEMPLATES = sorted((WEB / "templates").rglob("*.html"))

COLOUR = re.compile(r"#[0-9a-f]{3,8}\b|\b(?:rgb|rgba|hsl|hsla|hwb|lab|lch|oklab|oklch)\(", re.IGNORECASE)
NAMED = re.compile(r":[^;{}]*\b(?:white|black|red|green|blue|grey|gray|orange|yellow|silver|teal|navy)\b\s*[;}]")
SPACED = re.compile(r"(?:^|[\s;{])((?:margin|padding|gap|row-gap|column-gap)(?:-[a-z-]+)?)\s*:\s*([^;}]+)")
LENGTH = re.compile(r"(?<![\w.-])\d*\.?\d+(?:px|rem|em|mm|pt|ch)\b")
HAIR = {"0.1em", "0.2em", "1px", "2px", "-1px"}
"""So little is a line's own business, no distance."""
RATCHET = {"layout.css": 1, "parts.css": 1}
"""Distances that are no token's: room for an icon inside a field. They may only get fewer."""
STYLE = re.compile(r"\sstyle\s*=|<style\b", re.IGNORECASE)
INLINE = re.compile(r"<script(?![^>]*\bsrc=)[^>]*>|\son(?:[a-z]+)(?<!onward)\s*=\s*[\"']|javascript:", re.IGNORECASE)
FOREIGN = re.compile(r"https?://(?!www\.w3\.org/|[a-z.]*example[/.])[^\s\"'`)]+")
HTMX = re.compile(r"\b(?:data-)?hx-[a-z]")
HTMX_HOME = WEB / "templates" / "ui"
HTMX_ELSEWHERE = {"base.html"}
"""The token of forms goes along with whatever htmx sends."""


def uncommented(path: Path) -> str:
    """Without comments, which may name anything."""
    text = path.read_text("utf-8")
    return re.sub(r"/\*.*?\*/|\{#.*?#\}|<!--.*?-->", "", text, flags=re.DOTALL)


def lines_with(pattern: re.Pattern[str], paths: list[Path]) -> list[str]:
    return [
        f"{path.relative_to(WEB)}: {match.group().strip()}"
        for path in paths
        for match in pattern.finditer(uncommented(path))
    ]


def test_colours_stand_with_the_tokens_alone() -> None:
    assert lines_with(COLOUR, SHEETS) == []
    assert lines_with(NAMED, SHEETS) == []


def test_scripts_know_no_colour() -> None:
    assert lines_with(re.compile(r"[\"'`]#[0-9a-f]{3,8}[\"'`]|\brgba?\("), SCRIPTS) == []


def raw_distances(path: Path) -> Iterator[str]:
    for match in SPACED.finditer(uncommented(path)):
        for length in LENGTH.findall(match[2]):
            if length not in HAIR and not (path.name == "print.css" and length.endswith("mm")):  # paper is measured
                yield f"{path.name}: {match[1]}: {match[2]}"


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.name)
def test_distances_are_tokens(sheet: Path) -> None:
    found = list(raw_distances(sheet))
    assert len(found) == RATCHET.get(sheet.name, 0), "\n".join(found)


def test_what_the_rules_look_for_is_found(tmp_path: Path) -> None:
    """A test that can't fail is none."""
    bad = tmp_path / "bad.css"
    bad.write_text(".a { color: #fff; margin: 13px auto; } .b { background: white; gap: calc(1px + 0.7rem) }")
    assert COLOUR.search(bad.read_text())
    assert NAMED.search(bad.read_text())
    assert len(list(raw_distances(bad))) == 2
    assert STYLE.search('<p style="color: red">')
    assert INLINE.search("<script>alert(1)</script>")
    assert INLINE.search('<a onclick="x()">')
    assert not INLINE.search('<script type="module" src="x"></script>')
    assert HTMX.search('<a hx-get="/">')


def test_templates_have_no_style_and_no_script_inside() -> None:
    assert lines_with(STYLE, TEMPLATES) == []
    assert lines_with(INLINE, TEMPLATES) == []


def test_htmx_stands_in_the_kit_alone() -> None:
    """It is young: a way back to another version touches one folder."""
    elsewhere = [
        path for path in TEMPLATES if HTMX_HOME not in path.parents and path.name not in HTMX_ELSEWHERE
    ]
    assert lines_with(HTMX, elsewhere) == []


def test_nothing_of_others_is_committed() -> None:
    """Their files come by npm, with a lock; here are our own alone."""
    own = {path.suffix for path in (WEB / "static").iterdir()}
    assert own <= {".css", ".js", ".svg", ".webmanifest"}
    assert not list((WEB / "static").glob("*.min.*"))
    assert lines_with(FOREIGN, [*TEMPLATES, *SCRIPTS, *SHEETS]) == []


def test_what_npm_brings_has_a_digest_and_a_licence() -> None:
    root = PACKAGE.parents[1]
    audit = _audit(root)
    lock = root / "web" / "package-lock.json"
    assert audit.web_faults(lock.read_text("utf-8")) == []
    asked = json.loads((root / "web" / "package.json").read_text("utf-8"))["dependencies"]
    locked = json.loads(lock.read_text("utf-8"))["packages"]
    assert {name: locked[f"node_modules/{name}"]["version"] for name in asked} == asked
    # every package that reaches a browser has its licence beside its files
    fetched = (root / "scripts" / "web").read_text("utf-8")
    with_licence = {name for name in asked if f"node_modules/{name}/LICENSE" in fetched} | _in_loop(fetched)
    assert asked.keys() - with_licence == set()


def _in_loop(script: str) -> set[str]:
    found = re.search(r"for package in ([^;]+); do\n\s*cp \"\$work/node_modules/\$package/LICENSE\"", script)
    assert found, "scripts/web copies licences in another way: look again"
    return set(found[1].split())


def _audit(root: Path):  # type: ignore[no-untyped-def]
    loader = importlib.machinery.SourceFileLoader("audit_dependencies", str(root / "scripts" / "audit-dependencies"))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def test_every_icon_that_is_named_is_in_the_sprite() -> None:
    sprite = set(re.findall(r'<symbol id="([a-z]+)"', (WEB / "static" / "icons.svg").read_text("utf-8")))
    named = {
        name
        for path in TEMPLATES
        for name in re.findall(r'(?:\bicon\(|icon_name=)"([a-z]+)"', uncommented(path))
    }
    assert named - sprite == set()


def test_custom_elements_are_few_and_each_has_its_file() -> None:
    loader = (WEB / "static" / "kameng.js").read_text("utf-8")
    listed = dict(re.findall(r'"([a-z]+-[a-z]+)": "\./([a-z]+\.js)"', loader))
    defined = {
        tag: path.name
        for path in SCRIPTS
        for tag in re.findall(r'customElements\.define\("([a-z-]+)"', path.read_text("utf-8"))
    }
    assert listed.items() <= defined.items()
    kit = {tag for tag, name in defined.items() if name in listed.values()}
    assert 6 <= len(kit) <= 8
