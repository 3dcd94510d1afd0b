"""The payment providers in one server.

    python -m kameng.sim.pay --data DIR [--port N] [--base URL] [--pace F] [--trust FILE] [--shop NAME]

It says ``port=N`` on its first line. By then ``DIR/merchants.json`` holds what merchants would be given: a list of
accounts with credentials. Keys are made the first time and stay. ``--base`` is the address browsers reach it by (for a
real phone, one of your network); ``--pace 0.001`` makes every waiting time of the providers a thousandth; ``--trust``
names a file with a certificate that notices may be sent to besides the ones everybody trusts; ``--shop`` is whom the
pay page names as the one who is paid.
"""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import msgspec
import uvloop
from aiohttp import web

from kameng.sim.control import parser, until_told
from kameng.sim.pay.control import Control
from kameng.sim.pay.ground import Ground, install
from kameng.sim.pay.pages import Pages
from kameng.sim.pay.providers import MAKERS
from kameng.sim.pay.short import Answering, listen
from kameng.sim.pay.storming import Storming
from kameng.sim.pay.wechat import WeChat


async def main() -> None:
    options = parser("payment providers")
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--base", default="")
    options.add_argument("--shop", default="")
    options.add_argument("--pace", type=float, default=1.0)
    options.add_argument("--trust", type=Path)
    chosen = options.parse_args()
    trust = None if chosen.trust is None else ssl.create_default_context(cafile=str(chosen.trust))
    ground = Ground(chosen.data, chosen.base.rstrip("/"), shop=chosen.shop, pace=chosen.pace, trust=trust)
    app = web.Application(client_max_size=1 << 20)
    routes = install(ground, [make(ground) for make in MAKERS])
    app.add_routes([*Control(ground).routes(), *Storming(ground).routes(), *Pages(ground).routes(), *routes])
    port = await listen(app, chosen.host, chosen.port, _short_ways(ground))
    ground.base = ground.base or f"http://{chosen.host}:{port}"
    _write_down(ground)
    await until_told(port=port)


def _short_ways(ground: Ground) -> dict[str, Answering]:
    return {
        path: answering for one in ground.providers.values() if isinstance(one, WeChat)
        for path, answering in one.short_ways().items()
    }  # fmt: skip


def _write_down(ground: Ground) -> None:
    """What merchants would be given; private keys among it, so only we may read it."""
    given = [merchant for provider in ground.providers.values() for merchant in provider.merchants()]
    path = ground.folder / "merchants.json"
    draft = path.with_suffix(".draft")
    draft.touch(mode=0o600)
    draft.write_bytes(msgspec.json.format(msgspec.json.encode(given), indent=2))
    os.replace(draft, path)


if __name__ == "__main__":
    uvloop.run(main())
