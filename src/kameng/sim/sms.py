"""An SMS gateway that speaks as Alibaba Cloud's does, and checks its signatures.

    python -m kameng.sim.sms [--port N] --key-id ID --key-secret SECRET

Modes besides the shared ones: ``limit`` (isv.BUSINESS_LIMIT_CONTROL), ``illegal`` (isv.MOBILE_NUMBER_ILLEGAL).
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from typing import Any
from urllib.parse import quote

from aiohttp import web

from kameng.sim.control import Control, parser, serve, until_told

_CODES = {"limit": "isv.BUSINESS_LIMIT_CONTROL", "illegal": "isv.MOBILE_NUMBER_ILLEGAL"}


class Gateway:
    def __init__(self, control: Control, key_id: str, key_secret: str) -> None:
        self._control, self._key_id, self._secret = control, key_id, key_secret
        self._nonces: set[str] = set()

    async def call(self, request: web.Request) -> web.Response:
        if (refused := await self._control.misbehave()) is not None:
            return refused
        fields = {name: str(value) for name, value in (await request.post()).items()}
        fault = self._fault_of(fields)
        if fault:
            return web.json_response({"Code": fault, "Message": fault}, status=400)
        if fields["Action"] == "QuerySendDetails":
            return web.json_response(self._details(fields))
        code = _CODES.get(self._control.mode, "OK")
        if code == "OK":
            self._control.seen.append({
                name: fields.get(name)
                for name in ("PhoneNumbers", "SignName", "TemplateCode", "TemplateParam", "OutId")
            })  # fmt: skip
            await self._control.keep_silent()
        return web.json_response({"Code": code, "Message": code, "BizId": f"biz-{len(self._control.seen)}"})

    def _fault_of(self, fields: dict[str, str]) -> str:
        given = fields.pop("Signature", "")
        canonical = "&".join(f"{quote(name, safe='~')}={quote(fields[name], safe='~')}" for name in sorted(fields))
        text = f"POST&%2F&{quote(canonical, safe='~')}".encode()
        made = base64.b64encode(hmac.digest(f"{self._secret}&".encode(), text, hashlib.sha1)).decode()
        if fields.get("AccessKeyId") != self._key_id:
            return "InvalidAccessKeyId.NotFound"
        if not hmac.compare_digest(made, given):
            return "SignatureDoesNotMatch"
        nonce = fields.get("SignatureNonce", "")
        if nonce in self._nonces:
            return "SignatureNonceUsed"
        self._nonces.add(nonce)
        return ""

    def _details(self, fields: dict[str, str]) -> dict[str, Any]:
        known = [x for x in self._control.seen if x["PhoneNumbers"] == fields.get("PhoneNumber")]
        details = [{"OutId": x["OutId"], "SendStatus": 3, "ReceiveDate": "2026-11-22 16:30:00"} for x in known]
        return {"Code": "OK", "TotalCount": len(details), "SmsSendDetailDTOs": {"SmsSendDetailDTO": details}}


async def main() -> None:
    options = parser("an SMS gateway")
    options.add_argument("--key-id", required=True)
    options.add_argument("--key-secret", required=True)
    chosen = options.parse_args()
    control = Control()
    app = web.Application()
    app.add_routes([*control.routes(), web.post("/", Gateway(control, chosen.key_id, chosen.key_secret).call)])
    await until_told(port=await serve(app, chosen.host, chosen.port))


if __name__ == "__main__":
    asyncio.run(main())
