"""``shop``: shops, and the domains that their owners ask for."""

from __future__ import annotations

import argparse

from kameng import shops
from kameng.ops.commands.options import Commands, actor_of, number, on_platform, say, say_who, say_why
from kameng.ops.opening import Platform
from kameng.shops import Shop


def add(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Name them to the parser."""
    group = commands.add_parser("shop", help="店铺与域名 shops and their domains").add_subparsers(
        metavar="ACT", required=True
    )
    one = group.add_parser("list", parents=[common], help="列出店铺 every shop, and what waits for an answer")
    one.set_defaults(run=list_shops)
    one = group.add_parser("open", parents=[common], help="开店 open an agent's shop")
    one.add_argument("organisation", type=number, metavar="AGENT")
    one.add_argument("name", metavar="NAME", help="店名 its name")
    say_who(one)
    one.set_defaults(run=open_shop)
    for name, said, accept in (
        ("accept", "核准域名 let the shop answer there, once you have seen its TXT record", True),
        ("refuse", "驳回域名 its owner reads why", False),
    ):
        one = group.add_parser(name, parents=[common], help=said)
        one.add_argument("organisation", type=number, metavar="AGENT")
        one.add_argument("domain", metavar="DOMAIN", help="店主申请的域名 what its owner asked for")
        say_why(one)
        one.set_defaults(run=decide, accept=accept)


def list_shops(_: argparse.Namespace) -> int:
    async def work(platform: Platform) -> list[Shop]:
        async with platform.db.connection() as connection:
            return await shops.all_shops(connection)

    for shop in on_platform(work):
        say(f"{shop.org_id} {shop.name}: {shop.state}, {shop.domain or '无域名 no domain'}")
        if shop.domain_wanted is not None:
            proof = f"TXT {shops.PROOF_NAME}.{shop.domain_wanted} = {shop.domain_proof}"
            say(f"  申请 asks for {shop.domain_wanted}: {proof}")
    return 0


def open_shop(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> bool:
        shop = Shop(arguments.organisation, None, arguments.name)
        return await shops.open_shop(platform.db, shop, actor_id=await actor_of(platform, arguments))

    say("店铺已开通 opened" if on_platform(work) else "已有店铺 it has one")
    return 0


def decide(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> Shop:
        return await shops.decide_domain(
            platform.db, arguments.organisation, arguments.domain, accept=arguments.accept, reason=arguments.reason,
            actor_id=await actor_of(platform, arguments),
        )  # fmt: skip

    shop = on_platform(work)
    say(f"{shop.org_id} {shop.name}: {shop.domain or '无域名 no domain'}")
    return 0
