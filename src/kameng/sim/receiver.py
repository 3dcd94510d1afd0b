"""A receiver of webhooks: checks signatures by Standard Webhooks 1.0 and writes down what came.

    python -m kameng.sim.receiver [--port N] [--secret whsec_… …]

Any path takes messages; what is seen names it. Without a secret signatures are not looked at. ``/quiet`` only counts.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from typing import Any

import msgspec
from aiohttp import web

from kameng.kit import clock
from kameng.sim.control import Control, parser, serve, until_told

TOLERANCE_S = 300


class Receiver:
    def __init__(self, control: Control, secrets: list[str]) -> None:
        self._control = control
        self._keys = [base64.b64decode(secret.removeprefix("whsec_")) for secret in secrets]
        self.stamps: list[tuple[int, int]] = []

    async def take(self, request: web.Request) -> web.Response:
        if (refused := await self._control.misbehave()) is not None:
            self._write_down(request, b"", refused.status)
            return refused
        body = await request.read()
        status = 204 if not self._keys or self.is_genuine(dict(request.headers), body) else 401
        self._write_down(request, body, status)
        await self._control.keep_silent()
        return web.Response(status=status)

    async def take_quietly(self, request: web.Request) -> web.Response:
        """For the bench: when each came, and nothing else."""
        message_id = request.headers["webhook-id"]
        await request.read()
        self.stamps.append((int(message_id.rpartition("_")[2]), clock.now_ms()))
        return web.Response(status=204)

    async def show_stamps(self, _: web.Request) -> web.Response:
        return web.Response(body=msgspec.json.encode(self.stamps), content_type="application/json")

    def is_genuine(self, headers: dict[str, str], body: bytes) -> bool:
        """As a receiver does it: any of the signatures, by any of its secrets, and not too old."""
        lower = {name.lower(): value for name, value in headers.items()}
        stamp, message_id = lower.get("webhook-timestamp", ""), lower.get("webhook-id", "")
        if not stamp.isdecimal() or abs(clock.now_ms() // 1000 - int(stamp)) > TOLERANCE_S:
            return False
        signed = f"{message_id}.{stamp}.".encode() + body
        ours = [base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode() for key in self._keys]
        theirs = [part[3:] for part in lower.get("webhook-signature", "").split() if part.startswith("v1,")]
        return any(hmac.compare_digest(one, other) for one in ours for other in theirs)

    def _write_down(self, request: web.Request, body: bytes, status: int) -> None:
        seen: dict[str, Any] = {
            "path": request.path, "id": request.headers.get("webhook-id"), "status": status,
            "signatures": len(request.headers.get("webhook-signature", "").split()),
            "body": msgspec.json.decode(body) if body else None,
        }  # fmt: skip
        self._control.seen.append(seen)


async def main() -> None:
    options = parser("a receiver of webhooks")
    options.add_argument("--secret", action="append", default=[])
    chosen = options.parse_args()
    control = Control()
    receiver = Receiver(control, chosen.secret)
    app = web.Application()
    app.add_routes([
        *control.routes(), web.get("/_sim/stamps", receiver.show_stamps), web.post("/quiet", receiver.take_quietly),
        web.post("/{path:.*}", receiver.take),
    ])  # fmt: skip
    await until_told(port=await serve(app, chosen.host, chosen.port))


if __name__ == "__main__":
    asyncio.run(main())
