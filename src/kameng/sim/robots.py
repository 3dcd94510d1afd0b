"""Robots of group chats: WeChat Work, DingTalk and Feishu, with their signature checks and codes of refusal.

    python -m kameng.sim.robots [--port N] --key KEY --secret SECRET

``/cgi-bin/webhook/send?key=KEY``, ``/robot/send?access_token=KEY``, ``/open-apis/bot/v2/hook/KEY``; mode ``often``:
each one's own way to say "too often".
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from typing import Any

from aiohttp import web

from kameng.kit import clock
from kameng.sim.control import Control, parser, serve, until_told

FRESH_MS = 3_600_000


class Robots:
    def __init__(self, control: Control, key: str, secret: str) -> None:
        self._control, self._key, self._secret = control, key, secret.encode()

    async def wecom(self, request: web.Request) -> web.Response:
        right = request.query.get("key") == self._key
        return await self._take(request, "wecom", "errcode", 0 if right else 93000, often=45009)

    async def dingtalk(self, request: web.Request) -> web.Response:
        stamp = request.query.get("timestamp", "0")
        made = base64.b64encode(
            hmac.digest(self._secret, stamp.encode() + b"\n" + self._secret, hashlib.sha256)
        ).decode()
        fresh = stamp.isdecimal() and abs(clock.now_ms() - int(stamp)) < FRESH_MS
        right = request.query.get("access_token") == self._key and fresh and request.query.get("sign") == made
        return await self._take(request, "dingtalk", "errcode", 0 if right else 310000, often=130101)

    async def feishu(self, request: web.Request) -> web.Response:
        body = await request.json()
        stamp = str(body.get("timestamp", "0"))
        made = base64.b64encode(hmac.digest(stamp.encode() + b"\n" + self._secret, b"", hashlib.sha256)).decode()
        fresh = stamp.isdecimal() and abs(clock.now_ms() // 1000 - int(stamp)) < FRESH_MS // 1000
        right = request.match_info["key"] == self._key and fresh and body.get("sign") == made
        return await self._take(request, "feishu", "code", 0 if right else 19021, often=11232)

    async def _take(self, request: web.Request, who: str, field: str, code: int, *, often: int) -> web.Response:
        if (refused := await self._control.misbehave()) is not None:
            return refused
        body: dict[str, Any] = await request.json()
        if code == 0 and self._control.mode == "often":
            code = often
        if code == 0:
            kept = {name: value for name, value in body.items() if name not in ("sign", "timestamp")}
            self._control.seen.append({"robot": who, **kept})
            await self._control.keep_silent()
        return web.json_response({field: code, "errmsg" if field == "errcode" else "msg": "ok" if code == 0 else "no"})


async def main() -> None:
    options = parser("robots of group chats")
    options.add_argument("--key", required=True)
    options.add_argument("--secret", required=True)
    chosen = options.parse_args()
    control = Control()
    robots = Robots(control, chosen.key, chosen.secret)
    app = web.Application()
    app.add_routes([
        *control.routes(), web.post("/cgi-bin/webhook/send", robots.wecom), web.post("/robot/send", robots.dingtalk),
        web.post("/open-apis/bot/v2/hook/{key}", robots.feishu),
    ])  # fmt: skip
    await until_told(port=await serve(app, chosen.host, chosen.port))


if __name__ == "__main__":
    asyncio.run(main())
