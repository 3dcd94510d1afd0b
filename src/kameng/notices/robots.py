"""Robots of group chats: WeChat Work, DingTalk, Feishu. Their address is a secret; two of them sign besides.

None can be asked what became of a message: after a lost answer a person looks.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any, ClassVar
from urllib.parse import quote_plus

import msgspec

from kameng.kit import clock
from kameng.kit.jobs import GiveUp, NotDone
from kameng.notices.messages import Letter
from kameng.notices.sending import Sender


class _Robot:
    code_field: ClassVar[str]
    later: ClassVar[frozenset[int]]
    """Codes of "too often"; every other code but 0 is for ever."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def _post(self, url: str, body: dict[str, Any]) -> str:
        status, said = await self._sender.post(url, msgspec.json.encode(body), {})
        if status in (429, 503):
            raise NotDone(f"the robot is busy: {status}")
        if 400 <= status < 500:
            raise GiveUp(f"the robot refused it: {status}")
        try:
            code = msgspec.json.decode(said, type=dict[str, Any]).get(self.code_field)
        except msgspec.DecodeError:
            code = None
        if not isinstance(code, int):
            raise ConnectionError(f"the robot answered {status}, and nothing that can be read")
        if code in self.later:
            raise NotDone(f"the robot wants it later: {code}")
        if code != 0:
            raise GiveUp(f"the robot refused it: {code}")
        return "ok"


class WeCom(_Robot):
    """企业微信: the key stands in the address."""

    code_field = "errcode"
    later = frozenset({45009, -1})

    async def send(self, letter: Letter) -> str:
        content = f"**{letter.text.title}**\n{letter.text.body}"
        return await self._post(letter.address.to, {"msgtype": "markdown", "markdown": {"content": content}})


class DingTalk(_Robot):
    """钉钉: time and signature stand in the address, by the robot's secret."""

    code_field = "errcode"
    later = frozenset({130101, 130102, -1})

    async def send(self, letter: Letter) -> str:
        url, address, text = letter.address.to, letter.address, letter.text
        if address.secret:
            ts_ms = clock.now_ms()
            signed = f"{ts_ms}\n{address.secret}".encode()
            mac = base64.b64encode(hmac.digest(address.secret.encode(), signed, hashlib.sha256)).decode()
            url += f"{'&' if '?' in url else '?'}timestamp={ts_ms}&sign={quote_plus(mac)}"
        body = f"### {text.title}\n{text.body}"
        return await self._post(url, {"msgtype": "markdown", "markdown": {"title": text.title, "text": body}})


class Feishu(_Robot):
    """飞书: time and signature stand in the body; the secret is part of what signs nothing."""

    code_field = "code"
    later = frozenset({11232, 99991400})

    async def send(self, letter: Letter) -> str:
        address, text = letter.address, letter.text
        body: dict[str, Any] = {"msg_type": "text", "content": {"text": f"{text.title}\n{text.body}"}}
        if address.secret:
            ts_s = str(clock.now_ms() // 1000)
            mac = hmac.digest(f"{ts_s}\n{address.secret}".encode(), b"", hashlib.sha256)
            body |= {"timestamp": ts_s, "sign": base64.b64encode(mac).decode()}
        return await self._post(address.to, body)
