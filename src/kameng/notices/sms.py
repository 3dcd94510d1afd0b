"""SMS by a gateway that speaks as Alibaba Cloud's does: form fields, signed with HMAC-SHA1, answered in JSON.

The message's id goes along as ``OutId``, so that after a lost answer the gateway can be asked what became of it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from kameng.kit import clock
from kameng.kit.jobs import GiveUp, NotDone
from kameng.notices.messages import Letter
from kameng.notices.sending import Sender
from kameng.notices.targets import Policy

NEVER = frozenset({
    "isv.MOBILE_NUMBER_ILLEGAL", "isv.SMS_TEMPLATE_ILLEGAL", "isv.SMS_SIGNATURE_ILLEGAL", "isv.INVALID_PARAMETERS",
    "SignatureDoesNotMatch", "InvalidAccessKeyId.NotFound", "isv.BLACK_KEY_CONTROL_LIMIT",
})  # fmt: skip
SURELY_THERE = timedelta(minutes=2)
"""After so long a message that the gateway does not know was never sent."""
_CHINA = timezone(timedelta(hours=8))
_FORM = MappingProxyType({"content-type": "application/x-www-form-urlencoded"})


class SmsSettings(msgspec.Struct, frozen=True):
    """The gateway; ``repr`` does not show the secret."""

    url: str
    key_id: str
    key_secret: str
    sign_name: str

    def __repr__(self) -> str:
        return f"SmsSettings(url={self.url!r}, key_id={self.key_id!r})"


class Sms:
    """A channel."""

    def __init__(self, chosen: SmsSettings) -> None:
        self._chosen = chosen

    async def send(self, letter: Letter) -> str:
        said = await self._call(
            "SendSms", PhoneNumbers=letter.address.to, SignName=self._chosen.sign_name, TemplateCode=letter.text.sms,
            TemplateParam=msgspec.json.encode(letter.text.facts).decode(), OutId=str(letter.message_id),
        )  # fmt: skip
        code = str(said.get("Code", ""))
        if code == "OK":
            return str(said.get("BizId", ""))
        if code in NEVER:
            raise GiveUp(f"the SMS gateway refused it: {code[:60]}")
        raise NotDone(f"the SMS gateway did not take it: {code[:60]}")

    async def find(self, letter: Letter) -> str | None:
        day = letter.created_at.astimezone(_CHINA).strftime("%Y%m%d")
        said = await self._call(
            "QuerySendDetails", PhoneNumber=letter.address.to, SendDate=day, PageSize="50", CurrentPage="1"
        )
        if said.get("Code") != "OK":
            raise ConnectionError("the SMS gateway did not say")
        details = (said.get("SmsSendDetailDTOs") or {}).get("SmsSendDetailDTO") or []
        ours = (x for x in details if x.get("OutId") == str(letter.message_id))
        return next((str(x.get("ReceiveDate") or "found") for x in ours), None)

    async def _call(self, action: str, **fields: str) -> dict[str, Any]:
        body = urlencode(signed(self._chosen, action, fields)).encode()
        async with Sender(Policy.of("on", ("0.0.0.0/0", "::/0"))) as sender:  # the operator's own choice of gateway
            status, said = await sender.post(self._chosen.url, body, dict(_FORM))
        try:
            return msgspec.json.decode(said, type=dict[str, Any])
        except msgspec.DecodeError:
            raise ConnectionError(f"the SMS gateway answered {status}, and nothing that can be read") from None


def signed(chosen: SmsSettings, action: str, fields: dict[str, str]) -> dict[str, str]:
    """The fields of a call with the signature over all of them."""
    stamp = datetime.fromtimestamp(clock.now_ms() / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    every = {
        "AccessKeyId": chosen.key_id, "Action": action, "Format": "JSON", "SignatureMethod": "HMAC-SHA1",
        "SignatureNonce": secrets.token_hex(16), "SignatureVersion": "1.0", "Timestamp": stamp,
        "Version": "2017-05-25", **fields,
    }  # fmt: skip
    canonical = "&".join(f"{quote(name, safe='~')}={quote(every[name], safe='~')}" for name in sorted(every))
    text = f"POST&%2F&{quote(canonical, safe='~')}"
    mac = hmac.digest(f"{chosen.key_secret}&".encode(), text.encode(), hashlib.sha1)
    return {**every, "Signature": base64.b64encode(mac).decode()}
