"""``run``, ``serve`` and ``try``: the platform at work."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress

import uvloop

from kameng.kit import db, settings
from kameng.kit.settings import Settings
from kameng.ops import demo, demo_bills, demo_paying, opening, serving, tls, warming
from kameng.ops.commands.options import Commands, count, say
from kameng.ops.demo import Demo
from kameng.ops.opening import Place, Platform


def add(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Name them to the parser."""
    address = argparse.ArgumentParser(add_help=False)
    address.add_argument("--port", type=count, metavar="N", help="端口 the port (KAMENG_PORT; 8443)")
    address.add_argument("--host", metavar="ADDRESS", help="监听地址 the address to listen on (KAMENG_HOST)")
    address.add_argument("--plain-http", action="store_true", help="不用 TLS plain http, without TLS")

    one = commands.add_parser(
        "run", parents=[common, address], help="准备并运行演示平台 set up and run, with demo goods"
    )
    one.set_defaults(run=run)

    one = commands.add_parser(
        "serve", parents=[common, address], help="运行已初始化的平台 run a platform that was set up"
    )
    one.add_argument(
        "--role", choices=[*serving.ROLES, "all"], action="append", help="角色（可多次）which roles, repeatable; all"
    )
    one.set_defaults(run=serve)

    one = commands.add_parser("try", parents=[common], help="签名并提交一笔演示订单 sign and send a demo order")
    one.add_argument("--sku", default="", help="商品编号 the SKU's code")
    one.add_argument("--quantity", type=count, default=1, metavar="N", help="数量 how many")
    one.add_argument("--ref", default="", help="外部单号 the client reference; the same again is answered the same")
    one.add_argument("--sandbox", action="store_true", help="用沙箱密钥 with the sandbox key, for play money")
    one.set_defaults(run=try_order)


def run(arguments: argparse.Namespace) -> int:
    """Set up what is missing, show the demo, serve everything."""
    chosen = _settings(arguments)
    _certificate(chosen)
    with opening.database(chosen) as place, demo_paying.simulator(chosen) as given:
        shown = uvloop.run(_prepare(chosen, place, given))
        serving.serve(
            chosen, serving.ROLES, place, announce=lambda url: _welcome(chosen, shown, url, arguments)
        )
    _say_stopped()
    return 0


def _certificate(chosen: Settings) -> None:
    """Made now: the simulated providers trust it when they start."""
    tls.certificate_files(chosen)


async def _prepare(chosen: Settings, place: Place, given: Sequence[demo_paying.Given]) -> Demo:
    await opening.set_up(chosen, place)
    opened = await db.open_database(place.url, name="kameng-command")
    try:
        platform = Platform(chosen, opened, opening.key_ring(chosen))
        made = await demo.ensure(platform)
        await demo_paying.connect(platform, given)
        await demo_bills.fill(platform, int(made.organisation))
        return made
    finally:
        await opened.close()


def _welcome(chosen: Settings, shown: Demo, url: str, arguments: argparse.Namespace) -> None:
    seen = chosen.public_url or url
    say(
        "",
        "卡盟已启动。Kameng is running.",
        "",
        f"  打开 Open            {seen}/",
        f"  文档 API docs        {seen}/docs",
        f"  演示密钥 Demo key    {shown.key}",
        f"  沙箱密钥 Sandbox key {shown.sandbox_key}",
        f"  密文 Their secrets   {demo.file_of(chosen)}",
        "",
        "登录 Sign in",
        *(f"  {demo.FACES[kind]}  {one.sign_in}  {one.password}" for kind, one in shown.people.items()),
        "",
    )
    if url.startswith("https:") and not chosen.tls_certificate:
        say("证书为自签名，浏览器会提示，可继续访问。The certificate is our own: your browser asks, go on.", "")
    say(
        "粘贴即可下一单（已签名，5 分钟内有效，一次有效）：",
        "An order to paste, signed for the next 5 minutes, good for once:",
        "",
        demo.as_curl(demo.sign(shown, url)),
        "",
        f"之后随时再下一单：{_command('try', arguments)}。按 Ctrl-C 停止。",
        f"Another one at any time: {_command('try', arguments)}. Ctrl-C stops everything.",
        "",
    )


def serve(arguments: argparse.Namespace) -> int:
    """Serve a platform that ``init`` made."""
    chosen = _settings(arguments)
    asked = arguments.role or ["all"]
    roles = [role for role in serving.ROLES if role in asked or "all" in asked]
    opening.key_ring(chosen)
    with opening.database(chosen) as place:
        uvloop.run(_ready(place))
        serving.serve(chosen, roles, place, announce=lambda url: say(f"卡盟已启动。Kameng is running. {url}"))
    _say_stopped()
    return 0


async def _ready(place: opening.Place) -> None:
    await opening.refuse_pending(place.url)
    await opening.ensure_role(place)
    await warming.warm_up(place.url)


def _say_stopped() -> None:
    with suppress(OSError):  # the terminal may be what was closed
        say("已停止。Stopped.")


def try_order(arguments: argparse.Namespace) -> int:
    """One order, shown as it went and as it came back."""
    chosen = settings.load()
    shown, url = demo.read(chosen), demo.gateway_url(chosen)
    order = demo.sign(
        shown, url, sku=arguments.sku, quantity=arguments.quantity, client_ref=arguments.ref,
        sandbox=arguments.sandbox,
    )  # fmt: skip
    status, answer = demo.send(order, chosen)
    say(f"POST {order.url}", order.body.decode(), "", f"→ {status}")
    say(json.dumps(answer, ensure_ascii=False, indent=2))
    return 0 if status < 300 else 1


def _settings(arguments: argparse.Namespace) -> Settings:
    """What was said on the command line goes before the environment, also in every child."""
    if arguments.port is not None:
        os.environ["KAMENG_PORT"] = str(arguments.port)
    if arguments.host:
        os.environ["KAMENG_HOST"] = arguments.host
    if arguments.plain_http:
        os.environ["KAMENG_TLS_CERTIFICATE"] = os.environ["KAMENG_TLS_KEY"] = "off"
    return settings.load()


def _command(name: str, arguments: argparse.Namespace) -> str:
    """How this very command is called again."""
    if sys.argv[0].endswith("__main__.py"):
        program = f"{shlex.quote(sys.executable)} -m kameng"
    else:
        found = shutil.which("kameng")
        is_found = found is not None and os.path.samefile(found, sys.argv[0])
        program = "kameng" if is_found else shlex.quote(os.path.relpath(sys.argv[0]))
    data = f" --data {shlex.quote(arguments.data)}" if arguments.data else ""
    return f"{program} {name}{data}"
