"""What Kameng stands on, as far as it shows without a network: scripts/audit-dependencies, its offline part."""

from __future__ import annotations

import json
import runpy
from email.message import Message
from typing import Any

import pytest
from house import ROOT

AUDIT: dict[str, Any] = runpy.run_path(str(ROOT / "scripts" / "audit-dependencies"))
HASH = "--hash=sha256:" + "0a" * 32
PROJECT = '[project]\ndependencies = ["uvloop>=0.22"]\noptional-dependencies.dev = ["pytest>=8.4"]\n'
RUN = f"# made by a tool\nuvloop==0.23.0 \\\n    {HASH} \\\n    {HASH}\n"
DEV = f"{RUN}pytest==9.2.0 \\\n    {HASH}\n"


def test_what_is_locked_and_installed_is_well() -> None:
    faults, notices = AUDIT["offline"]()
    assert faults == []
    assert notices == []


def test_it_reads_the_whole_lock() -> None:
    """A parser that overlooked lines would find nothing wrong."""
    for name in AUDIT["LOCKS"]:
        text = (ROOT / name).read_text("utf-8")
        pins, faults = AUDIT["pins_of"](text)
        assert (len(pins), faults) == (text.count("=="), [])
        assert text.count("--hash=") > len(pins)


def test_locks_that_are_well() -> None:
    assert AUDIT["pins_of"](DEV) == ({"uvloop": "0.23.0", "pytest": "9.2.0"}, [])
    assert AUDIT["lock_faults"](RUN, DEV, PROJECT) == []


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("anyio==4.16.0", "anyio has no digest"),
        (f"anyio>=4.16.0 {HASH}", "not pinned to one version of the index: anyio>=4.16.0 --hash=sha256:"),
        (f"anyio==4.* {HASH}", "not pinned to one version of the index: anyio==4.* --hash=sha256:"),
        (f"anyio {HASH}", "not pinned to one version of the index: anyio --hash=sha256:"),
        ("anyio @ https://files.example/anyio.whl", "not pinned to one version of the index: anyio @ https://files."),
        ("git+https://forge.example/anyio", "not pinned to one version of the index: git+https://forge.example/anyio"),
        ("--extra-index-url https://index.example", "not pinned to one version of the index: --extra-index-url"),
        ("-e .", "not pinned to one version of the index: -e ."),
        ("anyio==4.16.0 --hash=md5:00", "anyio has a digest that is no SHA-256"),
        (f"anyio==4.16.0 {HASH} --hash=sha256:00", "anyio has a digest that is no SHA-256"),
        (f"UvLoop==0.22.0 {HASH}", "uvloop stands twice"),
    ],
)
def test_a_lock_that_is_not(line: str, fault: str) -> None:
    _, faults = AUDIT["pins_of"](f"{RUN}{line}\n")
    assert [found[: len(fault)] for found in faults] == [fault]


def test_locks_that_differ() -> None:
    older = DEV.replace("0.23.0", "0.22.0")
    assert AUDIT["lock_faults"](RUN, older, PROJECT) == [
        "uvloop is 0.23.0 in requirements.lock and 0.22.0 in requirements-dev.lock"
    ]
    assert AUDIT["lock_faults"](RUN, RUN, PROJECT) == ["pytest is asked for and not in requirements-dev.lock"]
    faults = AUDIT["lock_faults"](RUN, DEV, PROJECT.replace("uvloop", "Msg_Spec"))
    assert faults == ["msg-spec is asked for and not in requirements.lock"]


def test_the_lock_of_the_pages() -> None:
    good = {"version": "5.35.0", "integrity": f"sha512-{'A' * 86}==", "license": "Apache-2.0"}

    def faults(**changes: str) -> list[str]:
        return list(AUDIT["web_faults"](json.dumps({"packages": {"": {}, "node_modules/ui": {**good, **changes}}})))

    assert faults() == []
    assert faults(resolved="https://registry.npmjs.org/ui/-/ui-5.35.0.tgz") == []
    for changes, fault in (
        ({"version": "latest"}, "ui has no version"),
        ({"integrity": "sha1-00"}, "ui has no SHA-512"),
        ({"resolved": "https://elsewhere.example/ui.tgz"}, "ui comes from elsewhere"),
        ({"license": "SSPL-1.0"}, "ui: licence SSPL-1.0"),
    ):
        assert faults(**changes) == [f"web/package-lock.json: {fault}"]


@pytest.mark.parametrize(
    ("fields", "is_allowed"),
    [
        ([("License-Expression", "MIT")], True),
        ([("License-Expression", "Apache-2.0 OR BSD-2-Clause")], True),
        ([("License-Expression", "MIT AND PSF-2.0")], True),
        ([("License-Expression", "GPL-2.0-only OR MIT")], True),
        ([("License-Expression", "GPL-2.0-only")], False),
        ([("License-Expression", "MIT AND SSPL-1.0")], False),
        ([("License-Expression", "LicenseRef-Proprietary"), ("License", "MIT")], False),
        ([("Classifier", "License :: OSI Approved :: MIT License"), ("License", "all of it\nas it is")], True),
        ([("Classifier", "License :: Other/Proprietary License"), ("License", "MIT")], False),
        ([("Classifier", f"License :: OSI Approved :: {name}") for name in ("MIT License", "BSD License")], True),
        ([("Classifier", "License :: OSI Approved"), ("License", "BSD-3-Clause")], True),
        ([("Classifier", "License :: Public Domain")], True),
        ([("License", "Commercial")], False),
        ([], False),
    ],
)
def test_licences(fields: list[tuple[str, str]], is_allowed: bool) -> None:
    about = Message()
    for name, value in fields:
        about[name] = value
    assert all(map(AUDIT["is_allowed"], AUDIT["licences_of"](about))) is is_allowed


def test_what_is_installed_is_what_is_locked() -> None:
    faults, absent = AUDIT["licence_faults"]({"pytest": "0.1", "no-such-package-of-ours": "1.0"})
    assert [fault.replace(pytest.__version__, "…") for fault in faults] == ["pytest … is installed, 0.1 is locked"]
    assert absent == ["no-such-package-of-ours"]


def test_the_answer_of_pip_audit() -> None:
    flaw = {"id": "PYSEC-2026-1", "fix_versions": ["5.2"], "aliases": ["CVE-2026-1"], "description": "a hole"}
    packages = [
        {"name": "uvloop", "version": "0.23.0", "vulns": []},
        {"name": "click", "version": "5.1", "vulns": [flaw, {**flaw, "id": "PYSEC-2026-2", "fix_versions": []}]},
        {"name": "ours", "skip_reason": "not found"},
    ]
    faults, notices = AUDIT["flaws_of"](json.dumps({"dependencies": packages, "fixes": []}))
    assert faults == ["click 5.1: PYSEC-2026-1, mended in 5.2", "click 5.1: PYSEC-2026-2, mended in no version yet"]
    assert notices == [f"{AUDIT['NOT_ASKED']}ours: not found"]
