"""Platforms with people, and browsers in front of them, for tests of pages."""

from __future__ import annotations

import asyncio
import functools
import os
import shutil
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator
from itertools import count
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from kameng import access, identity, ledger
from kameng.identity import Organisation
from kameng.kit import crypto, db
from kameng.openapi.pages import VENDORED
from kameng.ops import founding
from kameng.ops.embedded import Embedded
from kameng.web.faces import paths_of
from postgres import execute
from running import BALANCE_E4, Seed, Served, gateway_process

PASSWORD = "correct horse battery"
PATIENCE_MS = 90_000
"""How long a busy machine may take for what is nearly at once."""
expect.set_options(timeout=PATIENCE_MS / 4)
_numbers = count(1)

READS_AND_ACTS = {
    Locator: (
        "all", "all_inner_texts", "all_text_contents", "check", "click", "count", "evaluate", "evaluate_all", "fill",
        "inner_text", "input_value", "is_visible", "press", "select_option", "set_input_files", "text_content",
    ),
    Page: ("check", "click", "content", "evaluate", "fill", "input_value", "press", "query_selector", "select_option"),
}  # fmt: skip


def _on_a_whole_page(does: Callable[..., Any]) -> Callable[..., Any]:
    """A click returns when the next page has begun to come: what is read or pressed then may not have come yet."""

    @functools.wraps(does)
    def patiently(on: Locator | Page, *arguments: Any, **options: Any) -> Any:
        page = on if isinstance(on, Page) else on.page
        page.wait_for_load_state("domcontentloaded")  # the page's own scripts have run by then
        return does(on, *arguments, **options)

    return patiently


for _kind, _names in READS_AND_ACTS.items():
    for _name in _names:
        setattr(_kind, _name, _on_a_whole_page(getattr(_kind, _name)))


class Faces(Served):
    """A platform with somebody for each face: ``people[kind]`` signs in with ``PASSWORD``."""

    def __init__(self, seed: Seed, url: str, port: int, organisations: dict[str, Organisation]) -> None:
        super().__init__(seed, url, port)
        self.organisations = organisations

    @property
    def ring(self) -> crypto.KeyRing:
        return crypto.KeyRing(crypto.KeyFile(self.seed.data_dir / "keyring.json").load())

    def sign_in_of(self, kind: str) -> str:
        return f"{kind}@test.kameng"


async def _people(url: str, seed: Seed) -> dict[str, Organisation]:
    """The house, the seed's merchant, and an agent, a supplier and a customer beside them, each with an owner."""
    ring = crypto.KeyRing(crypto.KeyFile(seed.data_dir / "keyring.json").load())
    database = await db.open_database(url)
    organisations = {"platform": await founding.found_house(database), "merchant": seed.shop.organisation}
    for kind, name in (("agent", "江南分站"), ("supplier", "海星供货"), ("customer", "周女士")):
        one = organisations[kind] = (await founding.found_member(database, ring, name, kind=kind)).organisation
        if kind != "supplier":
            await ledger.recharge(database, one.lane, one.org_id, BALANCE_E4, key=f"seed:{one.org_id}")
    for kind, one in organisations.items():
        person_id = await identity.enrol(database, sign_in=f"{kind}@test.kameng", name=f"测试{kind}")
        await access.set_password(database, person_id, PASSWORD, actor_id=0)
        await identity.join(database, one, person_id, "owner")
    await database.close()
    return organisations


@pytest.fixture(scope="session")
async def peopled(postgres: Embedded, seeded: tuple[str, Seed]) -> tuple[str, dict[str, Organisation]]:
    """The name of a database to copy that has somebody for each face; who they are."""
    template, seed = seeded
    await execute(postgres.url, f"CREATE DATABASE peopled TEMPLATE {template} STRATEGY file_copy")
    return "peopled", await _people(postgres.url_for("peopled"), seed)


@pytest.fixture(scope="module")
def faces(
    postgres: Embedded, seeded: tuple[str, Seed], peopled: tuple[str, dict[str, Organisation]]
) -> Iterator[Faces]:
    """One real server for the tests of a file. Not of all files: what one leaves behind, another would find or not,
    for which file comes first is up to who runs them."""
    (_, seed), (template, organisations) = seeded, peopled
    name = f"faces_{next(_numbers)}"
    apart(lambda: execute(postgres.url, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy"))
    url = postgres.url_for(name)
    environment = {
        "KAMENG_DATA_DIR": str(seed.data_dir), "KAMENG_REQUEST_TIMEOUT_S": "5",
        "KAMENG_WEBHOOK_HTTP": "on", "KAMENG_WEBHOOK_NETWORKS": "127.0.0.0/8",
        "KAMENG_TRUSTED_PROXIES": "127.0.0.2/32",  # no worker runs: codes are read where they lie
        "KAMENG_SMTP_HOST": "127.0.0.1", "KAMENG_SMS_URL": "http://127.0.0.1:9/",
    }  # fmt: skip
    with gateway_process(url, environment) as port:
        yield Faces(seed, url, port, organisations)
    apart(lambda: execute(postgres.url, f"DROP DATABASE {name} WITH (FORCE)"))


class Desk:
    """A browser in front of ``faces``: opens pages signed in as somebody; nothing may go wrong on any."""

    def __init__(self, faces: Faces, browser: Browser) -> None:
        self.faces = faces
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self.wrong: list[str] = []
        self.expected: tuple[str, ...] = ()
        """Parts of complaints of the browser that a test provokes."""

    def open(
        self, path: str, *, kind: str | None = None, sign_in: str | None = None, locale: str = "zh-CN",
        width: int = 1280, height: int = 850, **options: Any,
    ) -> Page:  # fmt: skip
        context = self._browser.new_context(
            viewport={"width": width, "height": height}, locale=locale, base_url=self.faces.base, **options
        )
        context.set_default_timeout(PATIENCE_MS)
        self._contexts.append(context)
        page = context.new_page()
        page.on("request", lambda r: None if r.url.startswith((self.faces.base, "data:")) else self._complain(r.url))
        page.on("console", lambda m: self._complain(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self._complain(str(error)))
        if kind or sign_in:
            page.goto("/signin")
            page.fill("#sign_in", sign_in or self.faces.sign_in_of(kind or ""))
            page.fill("#password", PASSWORD)
            page.click("main button.first")
            page.wait_for_url(lambda url: "/signin" not in url)
        page.goto(path)
        return page

    def _complain(self, text: str) -> None:
        if not any(part in text for part in self.expected):
            self.wrong.append(text)

    def axe(self, page: Page) -> list[str]:
        """What axe finds serious or worse on the page, a line each."""
        page.evaluate(AXE.read_text("utf-8"))
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{one['id']}: {node['target']} {node['failureSummary']}"
            for one in found["violations"]
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"]
        ]

    def walk(self, page: Page, paths: Iterable[str]) -> None:
        """Each page answers, axe finds nothing serious on it, and nothing is wider than the screen."""
        size = page.viewport_size
        assert size is not None
        for path in paths:
            answer = page.goto(path)
            assert answer is not None
            assert (answer.status, answer.request.redirected_from) == (200, None), path
            found = self.axe(page)
            assert found == [], (path, *found)
            assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], path

    def close(self) -> None:
        for context in self._contexts:
            context.close()


def off_the_bar(kind: str, paths: Iterable[str]) -> list[str]:
    """Those that no side bar has: ``test_every_page`` goes through the others."""
    barred = set(paths_of(kind))
    return [path for path in paths if path not in barred]


def confirms(page: Page) -> None:
    """Says yes whenever the page asks back, from now on."""
    page.add_locator_handler(page.locator("#ask[open] button[value=yes]"), lambda button: button.click())


CHROMIUMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""The best first: without the windows that nobody sees, a page takes two fifths of the processor's time."""
AXE = VENDORED / "axe.min.js"


@pytest.fixture
def desk(faces: Faces, browser: Browser) -> Iterator[Desk]:
    opened = Desk(faces, browser)
    yield opened
    opened.close()
    assert opened.wrong == []


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Not for the session: while it runs, nothing else can run an event loop in this thread."""
    path = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if path is None:
        if os.environ.get("KAMENG_TEST_REQUIRE_CHROMIUM"):
            pytest.fail("no Chromium here, and the browser tests were asked for")
        pytest.skip("no Chromium: apt-get install chromium-headless-shell")
    with sync_playwright() as playwright:
        # Chromium's own sandbox can't be had as root; the pages are ours.
        found = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        yield found
        found.close()


def apart(work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Run in a thread of its own: the browser's loop is in this one."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(asyncio.run(work())))
    thread.start()
    thread.join(30)
    return found[0]


def place(desk: Desk, *refs: str) -> list[str]:
    """The merchant orders a card by each reference; the orders' ids."""

    async def run() -> list[str]:
        return [(await desk.faces.place(ref, desk.faces.seed.goods.card)).json["id"] for ref in refs]

    return list(apart(run))
