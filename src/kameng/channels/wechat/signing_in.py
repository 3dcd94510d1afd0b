"""Who a customer is within WeChat (网页授权, snsapi_base): asked without a word to him, for ``jsapi`` needs his openid.

He is led to WeChat and back, with a code that is good once; the code and the app's secret give the openid. What else
WeChat tells is not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from kameng.channels.calling import call
from kameng.channels.hosts import gateway_of
from kameng.channels.http import Http
from kameng.channels.model import Field

OPEN_HOST, API_HOST = "https://open.weixin.qq.com", "https://api.weixin.qq.com"
OPENID_CHARS_MAX = 128
FIELDS = (
    Field("app_secret", "公众号 AppSecret（微信内支付）", "App secret (paying inside WeChat)", is_secret=True,
          is_needed=False),
    Field("open_gateway", "微信开放平台地址（留空为正式环境）", "Address of WeChat's sign-in (empty: production)",
          is_needed=False),
)  # fmt: skip


class SignIn:
    def __init__(self, given: Mapping[str, str], http: Http) -> None:
        self._appid, self._secret = given["appid"], given["app_secret"]
        self._open = gateway_of(given, OPEN_HOST, field="open_gateway")
        self._api = gateway_of(given, API_HOST, field="open_gateway")
        self._http = http

    def address(self, back: str, state: str) -> str:
        """Where he is led; WeChat leads him to ``back`` with ``code`` and ``state``."""
        asked = {
            "appid": self._appid, "redirect_uri": back, "response_type": "code", "scope": "snsapi_base", "state": state,
        }  # fmt: skip
        return f"{self._open}/connect/oauth2/authorize?{urlencode(asked)}#wechat_redirect"

    async def payer_of(self, code: str) -> str | None:
        """His openid; None for a code that is none, or was used, and where WeChat gives no answer."""
        asked = {"appid": self._appid, "secret": self._secret, "code": code, "grant_type": "authorization_code"}
        answer = await call(self._http, "GET", f"{self._api}/sns/oauth2/access_token", params=asked)
        found = answer.json().get("openid") if answer.status == 200 else None
        return found if isinstance(found, str) and 0 < len(found) <= OPENID_CHARS_MAX else None
