"""Pages without a browser: somebody signed in, who gets and posts as a browser does, on a platform in this process."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from urllib.parse import urlencode

from kameng import access, identity
from kameng.identity import Organisation
from kameng.web import viewing
from running import Answer, Platform


class Visitor:
    """Somebody at his browser: a session, its cookies, forms with their token."""

    def __init__(self, platform: Platform, token: str) -> None:
        self.platform = platform
        self.cookies = {f"__Host-{viewing.SESSION}": token, f"__Host-{viewing.VISITOR}": "visitor"}
        content = f"visitor\n{token}".encode()
        self.token = platform.ring.fingerprint(b"form", content).hex()[:40]

    async def get(self, path: str, **headers: str) -> Answer:
        return self._kept(await self._send("GET", path, b"", headers))

    async def post(self, path: str, fields: Mapping[str, object] | None = None, **headers: str) -> Answer:
        body = urlencode({viewing.TOKEN_FIELD: self.token, **(fields or {})}).encode()
        sent = {"content-type": "application/x-www-form-urlencoded", **headers}
        return self._kept(await self._send("POST", path, body, sent))

    async def upload(self, path: str, name: str, content: bytes) -> Answer:
        """A form that brings one file, in its field ``file``."""
        field = b'--b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'
        file = b'--b\r\nContent-Disposition: form-data; name="file"; filename="%b"\r\n\r\n%b\r\n--b--\r\n'
        body = field % (viewing.TOKEN_FIELD.encode(), self.token.encode()) + file % (name.encode(), content)
        sent = {"content-type": "multipart/form-data; boundary=b"}
        return self._kept(await self._send("POST", path, body, sent))

    async def _send(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        path, _, query = path.partition("?")
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return await self.platform.send(method, path, query, body, {"cookie": cookies, **headers})

    def _kept(self, answer: Answer) -> Answer:
        name, found, rest = answer.headers.get("set-cookie", "").partition("=")
        if found:
            self.cookies[name] = rest.partition(";")[0].strip('"')
        return answer


async def signed_in(platform: Platform, organisation: Organisation, role: str = "owner") -> Visitor:
    """A new person with that role there."""
    number = await platform.count("person")
    person_id = await identity.enrol(platform.db, sign_in=f"{role}-{number}@test.kameng", name=role)
    await identity.join(platform.db, organisation, person_id, role)
    token = await access.begin_session(
        platform.db, person_id, factor="password", visit=access.Visit("127.0.0.1", ""), org_id=organisation.org_id
    )
    return Visitor(platform, token.text)


def text_of(answer: Answer) -> str:
    """What stands on a page, without its tags, with single spaces."""
    shown = re.sub(r"<(script|style|head).*?</\1>", " ", answer.body.decode(), flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", shown)).split())


def rows_of(answer: Answer) -> list[str]:
    """The rows of a page's tables."""
    found = re.findall(r"<tbody>(.*?)</tbody>", answer.body.decode(), flags=re.DOTALL)
    rows = [row for body in found for row in re.findall(r"<tr(?: data-row[^>]*)?>(.*?)</tr>", body, flags=re.DOTALL)]
    return [" ".join(html.unescape(re.sub(r"<[^>]+>", " ", row)).split()) for row in rows]
