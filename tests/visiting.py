"""Somebody at the pages without a browser: posts what their forms would, and what nobody should be able to."""

from __future__ import annotations

import asyncio
import http.client
import re
import threading
import urllib.parse
from http.cookies import SimpleCookie
from typing import Any

import asyncpg
import msgspec

from browsing import PASSWORD, Faces
from kameng.notices import Address


class Page(msgspec.Struct, frozen=True):
    status: int
    headers: list[tuple[str, str]]
    text: str

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name), "")

    @property
    def cookies(self) -> dict[str, Any]:
        """Those it sets, with their attributes."""
        found: SimpleCookie = SimpleCookie()
        for key, value in self.headers:
            if key.lower() == "set-cookie":
                found.load(value)
        return dict(found)

    @property
    def alert(self) -> str:
        found = re.search(r'role="alert".*?<div>(.*?)</div>', self.text, re.DOTALL)
        errors = re.findall(r'class="error" id="[^"]*">(?:<svg.*?</svg>)?(.*?)</span>', self.text, re.DOTALL)
        return " ".join(part.strip() for part in [found[1] if found else "", *errors] if part.strip())


class Visitor:
    """Keeps cookies as a browser does; ``address``: where on loopback he comes from."""

    def __init__(self, faces: Faces, *, address: str = "127.0.0.1") -> None:
        self.faces = faces
        self.address = address
        self.cookies: dict[str, str] = {}

    def send(self, method: str, path: str, *, body: bytes = b"", headers: dict[str, str] | None = None) -> Page:
        sent = {"host": f"127.0.0.1:{self.faces.port}", "user-agent": "Mozilla/5.0 (Windows NT 10.0) Chrome/140.0"}
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.faces.port, timeout=20, source_address=(self.address, 0)
        )
        try:
            connection.request(method, path, body or None, sent | (headers or {}))
            answer = connection.getresponse()
            page = Page(answer.status, answer.getheaders(), answer.read().decode("utf-8", "replace"))
        finally:
            connection.close()
        for name, morsel in page.cookies.items():
            if morsel["max-age"] == "0":
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = morsel.value
        return page

    def get(self, path: str, **headers: str) -> Page:
        return self.send("GET", path, headers=headers)

    def token(self, path: str = "/_ui") -> str:
        """The token that a form of this page brings along; pages that are kept for everybody have none."""
        found = re.search(r'data-token="([0-9a-f]+)"', self.get(path).text)
        assert found is not None
        return found[1]

    def post(
        self, path: str, fields: dict[str, str], *, token: str | None = None, headers: dict[str, str] | None = None
    ) -> Page:
        data = fields | {"_token": self.token() if token is None else token}
        sent = {"content-type": "application/x-www-form-urlencoded"} | (headers or {})
        return self.send("POST", path, body=urllib.parse.urlencode(data).encode(), headers=sent)

    def sign_in(self, sign_in: str, password: str = PASSWORD, **fields: str) -> Page:
        return self.post("/signin", {"sign_in": sign_in, "password": password, **fields}, token=self.token())

    @property
    def session(self) -> str:
        return self.cookies.get("kameng_session", "")

    def is_in(self) -> bool:
        return self.get("/me/security").status == 200


def sql(faces: Faces, statement: str, *values: Any) -> list[Any]:
    async def ask() -> list[Any]:
        connection = await asyncpg.connect(faces.url)
        try:
            rows: list[Any] = await connection.fetch(statement, *values)
            return rows
        finally:
            await connection.close()

    return _run(ask())


def hidden_for(faces: Faces, template: str) -> str:
    """What the newest message of a template hides: a code, a link."""
    row = sql(
        faces, "SELECT message_id, address FROM message WHERE template = $1 ORDER BY message_id DESC LIMIT 1", template
    )[0]
    opened = faces.ring.open(b"message_address", row["message_id"], row["address"])
    return msgspec.json.decode(opened, type=Address).secret


def _run(coroutine: Any) -> Any:
    """In a thread of its own: Playwright and pytest each have a loop in this one."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(asyncio.run(coroutine)))
    thread.start()
    thread.join()
    return found[0]


def forget_tries(faces: Faces) -> None:
    """As after a long while."""
    sql(faces, "DELETE FROM try_limit")
