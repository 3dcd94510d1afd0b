"""open.weixin.qq.com and api.weixin.qq.com, as far as a page asks who looks at it: without a word, a code once."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from aiohttp import web

CODES_MAX = 1000


class Opening:
    """Apps by their id, each with its secret."""

    def __init__(self, apps: Mapping[str, str]) -> None:
        self._apps = apps
        self._codes: dict[str, tuple[str, str]] = {}

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.get("/connect/oauth2/authorize", self._authorize), web.get("/sns/oauth2/access_token", self._tell)
        ]  # fmt: skip

    async def _authorize(self, request: web.Request) -> web.Response:
        asked = request.query
        is_good = asked.get("appid") in self._apps and asked.get("response_type") == "code"
        if not is_good or asked.get("scope") != "snsapi_base" or not asked.get("redirect_uri"):
            return web.Response(status=400, text="参数错误")
        code = secrets.token_hex(16)
        if len(self._codes) >= CODES_MAX:
            self._codes.clear()
        self._codes[code] = asked["appid"], f"oSim{secrets.token_urlsafe(18)}"
        back = asked["redirect_uri"]
        more = urlencode({"code": code, "state": asked.get("state", "")})
        return web.Response(status=302, headers={"location": f"{back}{'&' if '?' in back else '?'}{more}"})

    async def _tell(self, request: web.Request) -> web.Response:
        asked = request.query
        appid, openid = self._codes.pop(asked.get("code", ""), ("", ""))
        secret = self._apps.get(asked.get("appid", ""), "")
        if not secret or not hmac.compare_digest(secret.encode(), asked.get("secret", "").encode()):
            return web.json_response({"errcode": 40125, "errmsg": "invalid appsecret"})
        if appid != asked.get("appid") or asked.get("grant_type") != "authorization_code":
            return web.json_response({"errcode": 40029, "errmsg": "invalid code"})
        return web.json_response({"access_token": secrets.token_hex(16), "openid": openid, "scope": "snsapi_base"})
