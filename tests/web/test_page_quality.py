"""What Lighthouse would look at, on a phone, for every page of the side bars, of the shop and of the entrance.

Rules are asserted; times are not: how much a page moved while it came, and its longest task, are logged
(``--log-cli-level=INFO``).
"""

from __future__ import annotations

import logging
import os
from typing import Any

import pytest
from playwright.sync_api import Page, Response

from browsing import Desk
from kameng.web.faces import paths_of

pytestmark = pytest.mark.browser
log = logging.getLogger(__name__)

PHONE = {"width": 390, "height": 844, "is_mobile": True, "has_touch": True}
NOBODY = ["/", "/search", "/topup", "/help", "/notices", "/guest", "/signin", "/register", "/reset"]
MEMBER = ["/me", "/orders", "/cards", "/wallet", "/wallet/recharge", "/me/security"]
EACH = 1 if os.environ.get("KAMENG_TEST_EVERY_PAGE") else 3
"""Every third page of a side bar, or with that variable every one: they are made of the same parts."""
WORKERS = ("agent", "supplier", "platform")
VISITS = {None: NOBODY, "customer": MEMBER} | {kind: paths_of(kind)[::EACH] for kind in WORKERS}
"""Who goes where; an agent has every page of a merchant."""

# Returns what is wrong, a line each. A link inside a sentence may be as small as its words.
LOOK = """() => {
  const wrong = [];
  const all = (query) => [...document.querySelectorAll(query)];
  const seen = (one) => one.checkVisibility({visibilityProperty: true});
  const shown = (one) => seen(one) && one.getBoundingClientRect().width > 1;
  const told = (one) => one.outerHTML.slice(0, 120);
  const told_text = (one) => (one.innerText || "").trim() || one.getAttribute("aria-label")
    || (one.querySelector("img[alt]:not([alt=''])") ? "picture" : "");
  const need = (is, what) => { if (!is) wrong.push(what); };

  need(document.title.trim(), "no title");
  need(document.querySelector("meta[name=description]")?.content.trim(), "no description");
  need(["zh-Hans", "en"].includes(document.documentElement.lang), "no language");
  const viewport = document.querySelector("meta[name=viewport]")?.content ?? "";
  need(/width=device-width/.test(viewport) && !/user-scalable|maximum-scale/.test(viewport), "viewport: " + viewport);

  const headings = all("h1, h2, h3, h4, h5, h6").filter(shown);
  need(headings.filter((one) => one.tagName === "H1").length === 1, "not one h1");
  headings.reduce((before, one) => {
    const level = Number(one.tagName[1]);
    need(level <= before + 1, `h${before} is followed by ${told(one)}`);
    return level;
  }, 0);

  for (const one of all("img")) {
    need(one.hasAttribute("alt"), "picture without words: " + told(one));
    need(one.hasAttribute("width") && one.hasAttribute("height"), "picture without a size: " + told(one));
  }
  for (const one of all("a[href], button, summary").filter(seen)) need(told_text(one), "says nothing: " + told(one));
  for (const one of all("input:not([type=hidden]), select, textarea").filter(shown)) {
    const label = one.getAttribute("aria-label") || one.getAttribute("aria-labelledby")
      || [...(one.labels ?? [])].map((label) => label.textContent.trim()).join("");
    need(label, "field without a label: " + told(one));
    need(one.type !== "password" || one.autocomplete, "password without autocomplete: " + told(one));
  }
  for (const one of all("script[src]"))
    need(one.type === "module" || one.defer || one.async, "blocks the page: " + told(one));
  need(!document.querySelector("body link[rel=stylesheet]"), "a style sheet in the body");
  for (const one of all("[src^='http:'], link[href^='http:']"))
    need((one.src || one.href).startsWith(location.origin), "mixed content: " + told(one));

  const targets = "button, .button, summary, select, textarea, .dock a, .side a, .chip, .tabs a, .foot nav a, "
    + "input:not([type=hidden], [type=checkbox], [type=radio], [type=file], [type=color], [type=range])";
  for (const one of all(targets).filter(shown)) {
    const box = one.getBoundingClientRect();
    need(box.height >= 43.5, `${Math.round(box.height)} px to tap: ${told(one)}`);
  }
  const small = new Set();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const one = texts.currentNode.parentElement;
    if (texts.currentNode.data.trim() && shown(one) && !one.closest("svg, script, [aria-hidden=true]")
      && parseFloat(getComputedStyle(one).fontSize) < 12) small.add(one);
  }
  for (const one of small) wrong.push(`${getComputedStyle(one).fontSize} is too small to read: ${told(one)}`);
  return wrong;
}"""

TIMES = """() => new Promise((done) => {
  const seen = {moved: 0, longest_ms: 0};
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) if (!one.hadRecentInput) seen.moved += one.value;
  }).observe({type: "layout-shift", buffered: true});
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) seen.longest_ms = Math.max(seen.longest_ms, one.duration);
  }).observe({type: "longtask", buffered: true});
  requestAnimationFrame(() => setTimeout(() => done(seen), 30));
})"""


def sent_badly(answer: Response) -> list[str]:
    """What is wrong with how something came: texts compressed, assets kept for ever."""
    headers = answer.headers
    kind = headers.get("content-type", "").partition(";")[0]
    is_text = kind.startswith("text/") or kind in ("application/javascript", "image/svg+xml")
    size = int(headers.get("content-length", "0"))
    wrong = []
    if is_text and size > 1_000 and "content-encoding" not in headers and kind != "text/event-stream":
        wrong.append(f"not compressed: {answer.url}")
    if "/assets/" in answer.url and "immutable" not in headers.get("cache-control", ""):
        wrong.append(f"not kept: {answer.url}")
    return wrong


@pytest.mark.parametrize("kind", list(VISITS), ids=str)
def test_pages_hold_what_lighthouse_asks(desk: Desk, kind: str | None) -> None:
    page = desk.open("/signin", kind=kind, **PHONE)  # type: ignore[arg-type]
    wrong: list[str] = []
    page.on("response", lambda answer: wrong.extend(sent_badly(answer)))
    for path in VISITS[kind]:
        wrong += [f"{path}: {one}" for one in faults(page, path)]
    assert wrong == [], "\n".join(dict.fromkeys(wrong))


def faults(page: Page, path: str) -> list[str]:
    answer = page.goto(path)
    assert answer is not None
    assert answer.status == 200
    found: list[str] = page.evaluate(LOOK)
    times: dict[str, Any] = page.evaluate(TIMES)
    log.info("%s: moved %.3f, longest task %.0f ms", path, times["moved"], times["longest_ms"])
    return found


def test_what_is_looked_for_is_found(desk: Desk) -> None:
    """A test that can't fail is none."""
    page = desk.open("/signin", **PHONE)  # type: ignore[arg-type]
    page.evaluate("""() => {
      document.title = "";
      document.querySelector("meta[name=description]").remove();
      const main = document.querySelector("main");
      main.insertAdjacentHTML("beforeend", "<h1>Twice</h1><h4>Too deep</h4><img src='data:,'><a href='/'></a>"
        + "<input type='password'><button><small>x</small></button>");
    }""")
    found = "\n".join(page.evaluate(LOOK))
    for one in ("no title", "no description", "not one h1", "h1 is followed by <h4>", "picture without words",
                "picture without a size", "says nothing", "field without a label", "password without autocomplete",
                "px to tap"):  # fmt: skip
        assert one in found, one
