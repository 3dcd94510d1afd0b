"""``organisation``, ``person`` and ``key``: who buys here, and with what rights."""

from __future__ import annotations

import argparse
import secrets
from binascii import Error as HexError
from binascii import unhexlify
from datetime import timedelta
from typing import Any

from kameng import access, identity
from kameng.identity import IssuedKey, Organisation
from kameng.kit import clock
from kameng.ops import founding, store
from kameng.ops.commands import agents, privacy, sign_ins
from kameng.ops.commands.options import (
    Commands,
    actor_of,
    amount,
    count,
    key,
    number,
    on_platform,
    say,
    say_who,
    say_why,
)
from kameng.ops.opening import Platform


def add(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Name them to the parser."""
    group = commands.add_parser(
        "organisation", aliases=["org"], help="商户 merchants, agents, suppliers"
    ).add_subparsers(metavar="ACT", required=True)
    _add_organisations(group, common)

    group = commands.add_parser("person", help="用户 people, and their roles").add_subparsers(
        metavar="ACT", required=True
    )
    _add_people(group, common)
    privacy.add_to_people(group, common)
    sign_ins.add_to_people(group, common)

    group = commands.add_parser("key", help="API 密钥 API keys").add_subparsers(metavar="ACT", required=True)
    _add_keys(group, common)


def _add_organisations(group: Commands, common: argparse.ArgumentParser) -> None:
    one = group.add_parser("found", parents=[common], help="新建商户及沙箱 found one, with its sandbox and keys")
    one.add_argument("name", metavar="NAME")
    one.add_argument("--level", type=count, default=0, metavar="N", help="等级 its price level, 0 to 99")
    one.add_argument("--kind", choices=["merchant", "agent", "supplier"], default="merchant", help="类型 its kind")
    one.add_argument("--credit", type=amount, default=0, metavar="AMOUNT", help="授信额度 its credit line")
    one.add_argument("--parent", type=number, metavar="AGENT", help="上级代理 the agent it buys from; the platform")
    one.set_defaults(run=found)
    agents.add_to_organisations(group, common)
    one = group.add_parser("set", parents=[common], help="修改商户 change one")
    one.add_argument("organisation", type=number, metavar="ORG")
    one.add_argument("--level", type=count, metavar="N", help="等级 its price level")
    one.add_argument("--state", choices=["active", "suspended", "closed"], help="状态 its state")
    one.add_argument("--events", choices=["on", "off"], help="是否推送事件 whether it has a webhook endpoint")
    one.add_argument("--external-ref", metavar="TEXT", help="外部编码 what your ERP or CRM calls it")
    say_why(one, required=False)
    one.set_defaults(run=change)
    for name, state, said in (
        ("suspend", "suspended", "停用 let one place no more orders"),
        ("activate", "active", "恢复 let one place orders again"),
    ):
        one = group.add_parser(name, parents=[common], help=said)
        one.add_argument("organisation", type=number, metavar="ORG")
        say_why(one)
        one.set_defaults(run=change, state=state, level=None, events=None, external_ref=None)
    one = group.add_parser("level", parents=[common], help="调整等级 give one another price level")
    one.add_argument("organisation", type=number, metavar="ORG")
    one.add_argument("level", type=count, metavar="N")
    say_why(one)
    one.set_defaults(run=change, state=None, events=None, external_ref=None)


def _add_people(group: Commands, common: argparse.ArgumentParser) -> None:
    one = group.add_parser("add", parents=[common], help="登记用户 somebody new")
    one.add_argument("sign_in", metavar="SIGN_IN")
    one.add_argument("name", metavar="NAME")
    one.add_argument("--role", choices=identity.ROLES, help="平台角色 the role he has as staff of the platform")
    say_who(one)
    one.set_defaults(run=add_person)
    one = group.add_parser("join", parents=[common], help="授予角色 give one a role in an organisation, or another")
    one.add_argument("person", type=number, metavar="PERSON")
    one.add_argument("organisation", type=number, metavar="ORG")
    one.add_argument("role", metavar="ROLE", help=f"角色 one of {', '.join(identity.ROLES)}")
    say_who(one)
    one.set_defaults(run=join)
    one = group.add_parser("list", parents=[common], help="列出 everybody, with the roles he has")
    one.add_argument("--organisation", type=number, metavar="ORG", help="仅此商户 only those of one organisation")
    one.set_defaults(run=list_people)


def _add_keys(group: Commands, common: argparse.ArgumentParser) -> None:
    one = group.add_parser("issue", parents=[common], help="新密钥 a new key; its secret is shown once")
    one.add_argument("organisation", type=number, metavar="ORG")
    one.add_argument("--name", default="key", help="名称 what to call it")
    scopes = sorted(identity.ALL_SCOPES)
    one.add_argument("--scope", action="append", choices=scopes, help="权限 a right; all but wallet:withdraw")
    one.add_argument("--ip", action="append", default=[], metavar="NETWORK", help="允许的来源 where it may come from")
    one.add_argument("--rate", type=count, default=1000, metavar="N", help="每秒请求数 requests a second")
    one.add_argument("--daily-limit", type=amount, metavar="AMOUNT", help="每日金额上限 the most money a day")
    one.add_argument("--public-key", metavar="HEX", help="Ed25519 公钥 a public key, instead of a secret")
    one.set_defaults(run=issue)
    one = group.add_parser("rotate", parents=[common], help="轮换 a new one for an old one, which works on for a while")
    one.add_argument("key", type=key, metavar="KEY")
    one.add_argument("--overlap-days", type=count, default=7, metavar="N", help="旧密钥保留天数 the while, in days")
    one.add_argument("--public-key", metavar="HEX", help="Ed25519 密钥的新公钥 the new public key of an Ed25519 key")
    say_who(one)
    one.set_defaults(run=rotate)
    one = group.add_parser("revoke", parents=[common], help="吊销 stop one at once")
    one.add_argument("key", type=key, metavar="KEY")
    say_why(one, required=False)
    one.set_defaults(run=revoke)
    one = group.add_parser("golive", parents=[common], help="上线检查 what a sandbox key has shown, and what not yet")
    one.add_argument("key", type=key, metavar="KEY")
    one.set_defaults(run=golive)
    one = group.add_parser("list", parents=[common], help="列出 all of an organisation, without secrets")
    one.add_argument("organisation", type=number, metavar="ORG")
    one.set_defaults(run=list_keys)


def golive(arguments: argparse.Namespace) -> int:
    """The checklist as its gateway last saved it; 1 while something is open."""
    from kameng import openapi  # the whole door, which other commands do without

    async def work(platform: Platform) -> tuple[Any, frozenset[str]]:
        async with platform.db.connection() as connection:
            row = await store.key(connection, arguments.key)
            return row, await openapi.golive.saved(connection, arguments.key)

    row, done = on_platform(work)
    say(_shown(row))
    if not row["is_sandbox"]:
        say("这是正式密钥，检查由沙箱密钥进行。 This is a live key; sandbox keys have the checklist.")
        return 1
    for step in openapi.golive.STEPS:
        mark = "完成 done" if step.code in done else "待办 open"
        say(f"  {mark}  {step.code}: {step.zh} {step.en}")
    return 0 if openapi.golive.ready(done) else 1


def found(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> founding.Member:
        return await founding.found_member(
            platform.db, platform.ring, arguments.name, kind=arguments.kind, level=arguments.level,
            credit_line_e4=arguments.credit, parent_id=arguments.parent,
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
            platform.db, arguments.organisation, level=arguments.level, state=arguments.state, wants_events=events,
            external_ref=arguments.external_ref, reason=arguments.reason, actor_id=await actor_of(platform, arguments),
        )  # fmt: skip

    new = on_platform(work)
    say(f"{new.org_id} {new.name}: level {new.level}, {new.state}, events {'on' if new.wants_events else 'off'}")
    return 0


def add_person(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> tuple[int, str]:
        actor_id = await actor_of(platform, arguments)
        person_id = await identity.enrol(
            platform.db, sign_in=arguments.sign_in, name=arguments.name, actor_id=actor_id
        )
        if arguments.role is None:
            return person_id, ""
        house = await founding.found_house(platform.db)
        await identity.join(platform.db, house, person_id, arguments.role, actor_id=actor_id)
        return person_id, await _new_password(platform, person_id, actor_id)

    person_id, password = on_platform(work)
    say(f"用户 Person {person_id} {arguments.name}")
    if password:
        say(f"初始密码 First password: {password}")
    return 0


async def _new_password(platform: Platform, person_id: int, actor_id: int) -> str:
    """One that nobody chose."""
    password = secrets.token_urlsafe(12)
    await access.set_password(platform.db, person_id, password, actor_id=actor_id)
    return password


def join(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> tuple[identity.Person, Organisation]:
        actor_id = await actor_of(platform, arguments)
        async with platform.db.connection() as connection:
            organisation = await store.organisation(connection, arguments.organisation)
        person = await identity.find_person(platform.db, arguments.person)
        await identity.join(platform.db, organisation, person.person_id, arguments.role, actor_id=actor_id)
        return person, organisation

    person, organisation = on_platform(work)
    say(f"{person.person_id} {person.name}: {organisation.org_id} {organisation.name} {arguments.role}")
    return 0


def list_people(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> list[tuple[identity.Person, list[identity.Membership]]]:
        found: list[tuple[identity.Person, list[identity.Membership]]] = []
        while page := await identity.people(platform.db, after_id=found[-1][0].person_id if found else 0):
            found += page
        return found

    for person, belongs in on_platform(work):
        wanted = [one for one in belongs if arguments.organisation in (None, one.org_id)]
        if wanted or arguments.organisation is None:
            roles = ", ".join(f"{one.org_id} {one.role}" for one in wanted)
            say(f"{person.person_id} {person.sign_in} {person.name}: {person.state}{roles and f', {roles}'}")
    return 0


def issue(arguments: argparse.Namespace) -> int:
    public_key = None if arguments.public_key is None else _public_key(arguments.public_key)

    async def work(platform: Platform) -> IssuedKey:
        async with platform.db.connection() as connection:
            organisation = await store.organisation(connection, arguments.organisation)
        async with platform.db.transaction() as connection:
            return await identity.issue_key(
                connection, platform.ring, organisation, name=arguments.name,
                scopes=arguments.scope, allowed_ips=arguments.ip,
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
    overlap = timedelta(days=min(arguments.overlap_days, timedelta.max.days))
    public_key = None if arguments.public_key is None else _public_key(arguments.public_key)

    async def work(platform: Platform) -> tuple[IssuedKey, Any]:
        issued = await identity.rotate_key(
            platform.db, platform.ring, arguments.key, overlap=overlap, public_key=public_key,
            actor_id=await actor_of(platform, arguments),
        )  # fmt: skip
        async with platform.db.connection() as connection:
            return issued, await store.key(connection, arguments.key)

    issued, old = on_platform(work)
    _show_once(issued)
    say(f"  旧密钥 old key {_shown(old)}")
    return 0


def revoke(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> tuple[bool, Any]:
        actor_id = await actor_of(platform, arguments)
        async with platform.db.connection() as connection:
            before = await store.key(connection, arguments.key)
            if before["state"] == "revoked":
                return False, before
        await identity.revoke_key(platform.db, arguments.key, reason=arguments.reason, actor_id=actor_id)
        async with platform.db.connection() as connection:
            return True, await store.key(connection, arguments.key)

    is_done, row = on_platform(work)
    say(f"{'已吊销 Revoked' if is_done else '此前已吊销 It was revoked before'}: {_shown(row)}")
    return 0 if is_done else 1


def list_keys(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> list[Any]:
        async with platform.db.connection() as connection:
            organisation = await store.organisation(connection, arguments.organisation)
            return await store.keys_of(connection, organisation.org_id)

    for row in on_platform(work):
        say(_shown(row))
    return 0


def _shown(row: Any) -> str:
    """A key by all but its secret. One that ran out is not active, whatever its row says."""
    state, ends_at = row["state"], row["expires_at"]
    if state == "active" and ends_at is not None and ends_at <= clock.now():
        state = "expired"
    until = f", until {ends_at:%Y-%m-%d %H:%M} UTC" if ends_at else ""
    kind = "Ed25519" if row["is_strong"] else "HMAC"
    shown = identity.format_key_id(row["key_id"], sandbox=row["is_sandbox"])
    return f"{shown} {row['name']}: {state}{until}, {kind}, {row['rate_per_second']}/s, {' '.join(row['scopes'])}"


def _show_once(issued: IssuedKey) -> None:
    shown = identity.format_key_id(issued.key_id, sandbox=issued.sandbox)
    secret = f"  密文（仅显示一次）secret, shown once: {issued.secret}" if issued.secret else ""
    say(f"  密钥 key {shown}", *([secret] if secret else []))
