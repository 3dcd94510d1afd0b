"""``organisation``, ``key`` and ``wallet``: who buys here, with what rights and what money."""

from __future__ import annotations

import argparse
from binascii import Error as HexError
from binascii import unhexlify
from datetime import timedelta
from typing import Any

from kameng import identity, ledger
from kameng.identity import IssuedKey, NoSuchOrganisation, Organisation
from kameng.kit import ids, money
from kameng.ops import founding, store
from kameng.ops.commands.options import Commands, amount, count, key, number, on_platform, say
from kameng.ops.opening import Platform


def add(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Name them to the parser."""
    group = commands.add_parser("organisation", help="商户 merchants, agents, suppliers").add_subparsers(
        metavar="ACT", required=True
    )
    one = group.add_parser("found", parents=[common], help="新建商户及沙箱 found one, with its sandbox and keys")
    one.add_argument("name", metavar="NAME")
    one.add_argument("--level", type=count, default=0, metavar="N", help="等级 its price level, 0 to 99")
    one.add_argument("--kind", choices=["merchant", "agent", "supplier"], default="merchant", help="类型 its kind")
    one.add_argument("--credit", type=amount, default=0, metavar="AMOUNT", help="授信额度 its credit line")
    one.set_defaults(run=found)
    one = group.add_parser("set", parents=[common], help="修改商户 change one")
    one.add_argument("organisation", type=number, metavar="ORG")
    one.add_argument("--level", type=count, metavar="N", help="等级 its price level")
    one.add_argument("--state", choices=["active", "suspended", "closed"], help="状态 its state")
    one.add_argument("--events", choices=["on", "off"], help="是否推送事件 whether it has a webhook endpoint")
    one.set_defaults(run=change)

    group = commands.add_parser("key", help="API 密钥 API keys").add_subparsers(metavar="ACT", required=True)
    _add_keys(group, common)

    group = commands.add_parser("wallet", help="钱包 wallets").add_subparsers(metavar="ACT", required=True)
    one = group.add_parser("recharge", parents=[common], help="充值 credit a wallet, once for each --key")
    one.add_argument("organisation", type=number, metavar="ORG")
    one.add_argument("amount", type=amount, metavar="AMOUNT")
    one.add_argument("--key", required=True, metavar="TEXT", help="凭证号，同号只入账一次 the receipt's number")
    one.set_defaults(run=recharge)


def _add_keys(group: Commands, common: argparse.ArgumentParser) -> None:
    one = group.add_parser("issue", parents=[common], help="新密钥 a new key; its secret is shown once")
    one.add_argument("organisation", type=number, metavar="ORG")
    one.add_argument("--name", default="key", help="名称 what to call it")
    one.add_argument("--scope", action="append", choices=sorted(identity.ALL_SCOPES), help="权限 a right; all")
    one.add_argument("--ip", action="append", default=[], metavar="NETWORK", help="允许的来源 where it may come from")
    one.add_argument("--rate", type=count, default=1000, metavar="N", help="每秒请求数 requests a second")
    one.add_argument("--daily-limit", type=amount, metavar="AMOUNT", help="每日金额上限 the most money a day")
    one.add_argument("--public-key", metavar="HEX", help="Ed25519 公钥 a public key, instead of a secret")
    one.set_defaults(run=issue)
    one = group.add_parser("rotate", parents=[common], help="轮换 a new one for an old one, which works on for a while")
    one.add_argument("key", type=key, metavar="KEY")
    one.add_argument("--overlap-days", type=count, default=7, metavar="N", help="旧密钥保留天数 the while, in days")
    one.set_defaults(run=rotate)
    one = group.add_parser("revoke", parents=[common], help="吊销 stop one at once")
    one.add_argument("key", type=key, metavar="KEY")
    one.set_defaults(run=revoke)
    one = group.add_parser("list", parents=[common], help="列出 all of an organisation, without secrets")
    one.add_argument("organisation", type=number, metavar="ORG")
    one.set_defaults(run=list_keys)


def found(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> founding.Member:
        return await founding.found_member(
            platform.db, platform.ring, arguments.name, kind=arguments.kind, level=arguments.level,
            credit_line_e4=arguments.credit,
        )  # fmt: skip

    member = on_platform(work)
    say(f"商户 Organisation {member.organisation.org_id} {member.organisation.name}")
    _show_once(member.key)
    say(f"沙箱 Sandbox {member.sandbox.org_id}")
    _show_once(member.sandbox_key)
    return 0


def change(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> Organisation:
        events = None if arguments.events is None else arguments.events == "on"
        return await identity.set_organisation(
            platform.db, arguments.organisation, level=arguments.level, state=arguments.state, wants_events=events
        )

    new = on_platform(work)
    say(f"{new.org_id} {new.name}: level {new.level}, {new.state}, events {'on' if new.wants_events else 'off'}")
    return 0


def issue(arguments: argparse.Namespace) -> int:
    public_key = None if arguments.public_key is None else _public_key(arguments.public_key)

    async def work(platform: Platform) -> IssuedKey:
        async with platform.db.connection() as connection:
            organisation = await store.organisation(connection, arguments.organisation)
        async with platform.db.transaction() as connection:
            return await identity.issue_key(
                connection, platform.ring, organisation, name=arguments.name,
                scopes=arguments.scope or identity.ALL_SCOPES, allowed_ips=arguments.ip,
                rate_per_second=arguments.rate, daily_limit_e4=arguments.daily_limit, public_key=public_key,
            )  # fmt: skip

    _show_once(on_platform(work))
    return 0


def _public_key(text: str) -> bytes:
    try:
        found = unhexlify(text)
    except (HexError, ValueError):
        found = b""
    if len(found) != 32:
        raise identity.BadKeySettings("64 hex digits", field="public_key", detail_zh="公钥应为 64 位十六进制数字")
    return found


def rotate(arguments: argparse.Namespace) -> int:
    overlap = timedelta(days=arguments.overlap_days)

    async def work(platform: Platform) -> IssuedKey:
        return await identity.rotate_key(platform.db, platform.ring, arguments.key, overlap=overlap)

    _show_once(on_platform(work))
    return 0


def revoke(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> None:
        async with platform.db.connection() as connection:
            if not await store.key_works(connection, arguments.key):
                raise NoSuchOrganisation(f"ak_{arguments.key}")
        await identity.revoke_key(platform.db, arguments.key)

    on_platform(work)
    say(f"已吊销。Revoked: {arguments.key}")
    return 0


def list_keys(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> tuple[Organisation, list[Any]]:
        async with platform.db.connection() as connection:
            organisation = await store.organisation(connection, arguments.organisation)
            return organisation, await store.keys_of(connection, organisation.org_id)

    organisation, keys = on_platform(work)
    for row in keys:
        shown = identity.format_key_id(row["key_id"], sandbox=organisation.sandbox)
        until = f", until {row['expires_at']:%Y-%m-%d %H:%M} UTC" if row["expires_at"] else ""
        kind = "Ed25519" if row["is_strong"] else "HMAC"
        rights = " ".join(row["scopes"])
        say(f"{shown} {row['name']}: {row['state']}{until}, {kind}, {row['rate_per_second']}/s, {rights}")
    return 0


def recharge(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> ledger.Transfer:
        org_id = arguments.organisation
        async with platform.db.connection() as connection:
            if not await store.has_wallet(connection, org_id):
                raise NoSuchOrganisation(str(org_id))
        if arguments.amount == 0:
            raise ledger.BadAmount(field="amount")
        return await ledger.recharge(
            platform.db, ids.lane_of(org_id), org_id, arguments.amount, key=arguments.key
        )

    done = on_platform(work)
    say(
        f"已入账 Credited {money.format_e4(done.amount_e4)}，当时余额 balance after it"
        f" {money.format_e4(done.credit_after_e4)} (transfer {done.transfer_id})"
    )
    return 0


def _show_once(issued: IssuedKey) -> None:
    shown = identity.format_key_id(issued.key_id, sandbox=issued.sandbox)
    secret = f"  密文（仅显示一次）secret, shown once: {issued.secret}" if issued.secret else ""
    say(f"  密钥 key {shown}", *([secret] if secret else []))
