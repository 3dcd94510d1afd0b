"""``epay``: accounts of the epay site, by which members' own shops collect. Members open theirs at the pages."""

from __future__ import annotations

import argparse

from kameng import epay, identity
from kameng.epay import Account
from kameng.ops.commands.options import Commands, actor_of, count, on_platform, positive, say, say_who
from kameng.ops.opening import Platform


def add(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Name them to the parser."""
    group = commands.add_parser("epay", help="易支付商户 shops that collect through us").add_subparsers(
        metavar="ACT", required=True
    )
    one = group.add_parser("list", parents=[common], help="列出商户 all accounts, without keys")
    one.add_argument("--after", type=count, default=0, metavar="PID", help="从该商户之后 those after this one")
    one.set_defaults(run=list_accounts)
    one = group.add_parser("fee", parents=[common], help="调整费率 what the house keeps, from the next payment on")
    one.add_argument("pid", type=positive, metavar="PID", help="商户 ID its number")
    one.add_argument("ppm", type=count, metavar="N", help="费率，百万分之几：0.6%% 为 6000 of a million")
    say_who(one)
    one.set_defaults(run=change)
    one = group.add_parser("off", parents=[common], help="停用 nothing begins there, whatever its owner switches")
    one.add_argument("--reason", required=True, metavar="TEXT", help="原因，商户可见 why, which its owner reads")
    _switched(one)
    _switched(group.add_parser("on", parents=[common], help="解除停用 it may go on"))


def _switched(one: argparse.ArgumentParser) -> None:
    one.add_argument("pid", type=positive, metavar="PID", help="商户 ID its number")
    say_who(one)
    one.set_defaults(run=switch)


def list_accounts(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> list[Account]:
        return await epay.list_accounts(platform.db, after_pid=arguments.after)

    for one in on_platform(work):
        say(_shown(one))
    return 0


def _shown(one: Account) -> str:
    state = f"平台停用 barred ({one.barred})" if one.barred else "启用 on" if one.is_on else "停用 off"
    return f"{one.pid}: {state}, 组织 organisation {one.org_id}, {one.fee_ppm} ppm, {' '.join(one.hosts) or '-'}"


def change(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> Account:
        account = await epay.account_at(platform.db, arguments.pid)
        async with platform.db.connection() as connection:
            organisation = await identity.find_organisation(connection, account.org_id)
        assert organisation is not None, "no organisation is ever removed"
        await epay.change_account(
            platform.db, organisation, actor_id=await actor_of(platform, arguments),
            fee_ppm=arguments.ppm,
        )  # fmt: skip
        return await epay.account_at(platform.db, arguments.pid)

    say(_shown(on_platform(work)))
    return 0


def switch(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> Account:
        await epay.bar_account(
            platform.db, arguments.pid, reason=getattr(arguments, "reason", ""),
            actor_id=await actor_of(platform, arguments),
        )  # fmt: skip
        return await epay.account_at(platform.db, arguments.pid)

    say(_shown(on_platform(work)))
    return 0
