"""``person``: how somebody signs in at the pages, and from where he did."""

from __future__ import annotations

import argparse
import secrets
from collections.abc import Awaitable, Callable

from kameng import access, identity
from kameng.access import SignInEvent
from kameng.identity import Person
from kameng.kit import clock
from kameng.ops import store
from kameng.ops.commands.options import Commands, actor_of, number, on_platform, say, say_who
from kameng.ops.opening import Platform

PASSWORD_BYTES = 12
SHOWN_MAX = 200


def add_to_people(group: Commands, common: argparse.ArgumentParser) -> None:
    """Name them to the parser."""
    for name, said, run in (
        ("password", "重设密码 a new password, shown once; signs him out everywhere", new_password),
        ("second-off", "关闭二次验证 take his authenticator app and recovery codes away", second_off),
    ):
        one = group.add_parser(name, parents=[common], help=said)
        one.add_argument("person", type=number, metavar="PERSON")
        say_who(one)
        one.set_defaults(run=run)
    one = group.add_parser("leave", parents=[common], help="移出 take somebody's role in an organisation away")
    one.add_argument("person", type=number, metavar="PERSON")
    one.add_argument("organisation", type=number, metavar="ORG")
    say_who(one)
    one.set_defaults(run=leave)
    one = group.add_parser("sign-ins", parents=[common], help="登录记录 when, from where and how somebody signed in")
    one.add_argument("person", type=number, metavar="PERSON")
    one.set_defaults(run=list_sign_ins)


def new_password(arguments: argparse.Namespace) -> int:
    password = secrets.token_urlsafe(PASSWORD_BYTES)

    async def change(platform: Platform, person_id: int, actor_id: int) -> None:
        await access.set_password(platform.db, person_id, password, actor_id=actor_id)
        await access.end_others(platform.db, person_id)

    person = _on_person(arguments, change)
    say(f"{person.person_id} {person.sign_in}: {password}")
    return 0


def second_off(arguments: argparse.Namespace) -> int:
    async def change(platform: Platform, person_id: int, actor_id: int) -> None:
        await access.remove_totp(platform.db, person_id, actor_id=actor_id)

    person = _on_person(arguments, change)
    say(f"{person.person_id} {person.sign_in}: 二次验证已关闭 no second step")
    return 0


def leave(arguments: argparse.Namespace) -> int:
    async def change(platform: Platform, person_id: int, actor_id: int) -> None:
        async with platform.db.connection() as connection:
            organisation = await store.organisation(connection, arguments.organisation)
        await identity.leave(platform.db, organisation.org_id, person_id, actor_id=actor_id)

    person = _on_person(arguments, change)
    say(f"{person.person_id} {person.name}: {arguments.organisation} –")
    return 0


def list_sign_ins(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> list[SignInEvent]:
        person = await identity.find_person(platform.db, arguments.person)
        return await access.sign_ins(platform.db, person.person_id, limit=SHOWN_MAX)

    for one in on_platform(work)[:SHOWN_MAX]:
        at = clock.china_time(int(one.at.timestamp() * 1000))[:19]
        say(f"{at} {one.outcome} {one.method} {one.ip} {one.place_zh or '–'} {one.device.text('zh') or '–'}")
    return 0


def _on_person(arguments: argparse.Namespace, change: Callable[[Platform, int, int], Awaitable[None]]) -> Person:
    async def work(platform: Platform) -> Person:
        actor_id = await actor_of(platform, arguments)
        person = await identity.find_person(platform.db, arguments.person)
        await change(platform, person.person_id, actor_id)
        return person

    return on_platform(work)
