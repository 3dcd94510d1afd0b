"""Pictures of the main screens: desktop and phone, light and dark, 中文 and English. Run as ``scripts/screenshots``."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
QUALITY = 78
CHROMIUMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
READY_TIMEOUT_S = 90.0


class Screen(NamedTuple):
    """One page as somebody sees it; ``kind``: whose owner is signed in."""

    name: str
    path: str
    kind: str | None = None
    is_phone: bool = False
    is_dark: bool = False
    language: str = "zh"


SCREENS = [
    Screen("home", "/"),
    Screen("home-phone", "/", is_phone=True),
    Screen("home-dark-en", "/", is_dark=True, language="en"),
    Screen("topup-phone", "/topup", "customer", is_phone=True),
    Screen("signin-phone-dark", "/signin", is_phone=True, is_dark=True),
    Screen("merchant", "/merchant", "merchant"),
    Screen("playground", "/merchant/playground", "merchant"),
    Screen("merchant-phone-dark-en", "/merchant/orders", "merchant", is_phone=True, is_dark=True, language="en"),
    Screen("markups", "/merchant/shop/prices", "agent"),
    Screen("supplier", "/supplier", "supplier"),
    Screen("supplier-phone", "/supplier/orders", "supplier", is_phone=True),
    Screen("console", "/console", "platform"),
    Screen("console-orders", "/console/orders", "platform"),
    Screen("console-dark-en", "/console", "platform", is_dark=True, language="en"),
]


@contextmanager
def platform() -> Iterator[tuple[str, dict[str, dict[str, str]]]]:
    """A demo platform of its own: where it answers, and who signs in as what."""
    folder = Path(tempfile.mkdtemp(prefix="kameng-screens-"))
    folder.chmod(0o755)  # the database runs as a user of its own, where root starts it
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environ = {
        **os.environ, "KAMENG_DATA_DIR": str(folder), "KAMENG_PORT": str(port), "KAMENG_TLS_CERTIFICATE": "off",
        "KAMENG_TLS_KEY": "off",
    }  # fmt: skip
    command = [ROOT / ".venv" / "bin" / "kameng", "run"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environ, stdout=log, stderr=log)
        try:
            base = f"http://127.0.0.1:{port}"
            _wait(base, process)
            yield base, json.loads((folder / "demo.json").read_text("utf-8"))["people"]
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)
            shutil.rmtree(folder, ignore_errors=True)


def _wait(base: str, process: subprocess.Popen[bytes]) -> None:
    until_s = time.monotonic() + READY_TIMEOUT_S
    while True:
        try:
            urllib.request.urlopen(f"{base}/healthz", timeout=2).close()  # noqa: S310 - our own
        except OSError:
            if process.poll() is not None or time.monotonic() > until_s:
                sys.exit("The demo platform did not start. 演示平台未能启动。")
            time.sleep(0.3)
        else:
            return


def picture(browser: Browser, base: str, people: dict[str, dict[str, str]], screen: Screen, folder: Path) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844} if screen.is_phone else {"width": 1280, "height": 800},
        color_scheme="dark" if screen.is_dark else "light", locale={"zh": "zh-CN", "en": "en-GB"}[screen.language],
        is_mobile=screen.is_phone, has_touch=screen.is_phone, base_url=base, reduced_motion="reduce",
    )  # fmt: skip
    page = context.new_page()
    if screen.kind is not None:
        sign_in(page, people[screen.kind])
    page.goto(screen.path)
    page.wait_for_timeout(400)
    page.screenshot(path=folder / f"{screen.name}.jpg", type="jpeg", quality=QUALITY)
    context.close()
    print(screen.name)


def sign_in(page: Page, person: dict[str, str]) -> None:
    page.goto("/signin")
    page.fill("#sign_in", person["sign_in"])
    page.fill("#password", person["password"])
    page.click("main button.first")
    page.wait_for_url(lambda url: "/signin" not in url)


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images"
    wanted = set(sys.argv[2:])
    folder.mkdir(parents=True, exist_ok=True)
    path = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if path is None:
        sys.exit("No Chromium: apt-get install chromium-headless-shell fonts-noto-cjk. 未找到 Chromium。")
    with platform() as (base, people), sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        for screen in SCREENS:
            if not wanted or screen.name in wanted:
                picture(browser, base, people, screen, folder)
        browser.close()


if __name__ == "__main__":
    main()
