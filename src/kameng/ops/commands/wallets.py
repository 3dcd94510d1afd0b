"""``wallet`` and ``credit``: what stands on wallets, and what staff books there by hand."""

from __future__ import annotations

import argparse

from kameng import finance, ledger
from kameng.finance import Adjustment
from kameng.identity import NoSuchOrganisation
from kameng.kit import ids, money
from kameng.ops import store
from kameng.ops.commands.options import Commands, actor_of, amount, number, on_platform, say, say_person
from kameng.ops.opening import Platform


def add(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Name them to the parser."""
    group = commands.add_parser("wallet", help="钱包 wallets").add_subparsers(metavar="ACT", required=True)
    one = group.add_parser("recharge", parents=[common], help="充值 credit a wallet, once for each --key")
    one.add_argument("organisation", type=number, metavar="ORG")
    one.add_argument("amount", type=amount, metavar="AMOUNT")
    one.add_argument("--key", required=True, metavar="TEXT", help="凭证号，同号只入账一次 the receipt's number")
    one.add_argument("--bonus", type=amount, default=0, metavar="AMOUNT", help="赠送 what the house gives on top")
    one.add_argument("--reason", default="", metavar="TEXT", help="原因，有赠送时必填 why; needed with a bonus")
    one.set_defaults(run=recharge)

    _add_adjustments(group, common)

    group = commands.add_parser("credit", help="授信 credit lines").add_subparsers(metavar="ACT", required=True)
    one = group.add_parser("set", parents=[common], help="设置额度 how far below zero a wallet may go")
    one.add_argument("organisation", type=number, metavar="ORG")
    one.add_argument("amount", type=amount, metavar="AMOUNT")
    one.add_argument("--reason", required=True, metavar="TEXT", help="原因 why")
    one.set_defaults(run=set_credit_line)


def _add_adjustments(group: Commands, common: argparse.ArgumentParser) -> None:
    one = group.add_parser("adjust", parents=[common], help="加款/扣款 book on a wallet, once for each --key")
    one.add_argument("organisation", type=number, metavar="ORG")
    way = one.add_mutually_exclusive_group(required=True)
    way.add_argument("--add", type=amount, metavar="AMOUNT", help="加款 give")
    way.add_argument("--take", type=amount, metavar="AMOUNT", help="扣款 take")
    reasons = "，".join(f"{name} {zh}" for name, (_, zh) in finance.REASONS.items())
    one.add_argument("--reason", required=True, choices=list(finance.REASONS), help=f"原因 why: {reasons}")
    one.add_argument("--note", required=True, metavar="TEXT", help="说明 why, in words")
    one.add_argument("--evidence", default="", metavar="TEXT", help="凭证 where the proof lies")
    one.add_argument("--key", required=True, metavar="TEXT", help="申请单号，同号只入账一次 the request's number")
    say_person(one)
    one.set_defaults(run=adjust)
    one = group.add_parser("pending", parents=[common], help="待复核 what waits for a second person")
    one.set_defaults(run=list_pending)
    for name, run, said in (
        ("approve", approve, "复核通过 book what another person asked for"),
        ("refuse", refuse, "复核拒绝 refuse what another person asked for"),
    ):
        one = group.add_parser(name, parents=[common], help=said)
        one.add_argument("adjustment", type=number, metavar="ADJUSTMENT")
        one.add_argument("--note", required=name == "refuse", default="", metavar="TEXT", help="说明 why")
        say_person(one)
        one.set_defaults(run=run)
    one = group.add_parser("alert", parents=[common], help="低余额提醒 below how much its owner is told; 0: never")
    one.add_argument("organisation", type=number, metavar="ORG")
    one.add_argument("amount", type=amount, metavar="AMOUNT")
    say_person(one)
    one.set_defaults(run=set_alert)


def recharge(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> ledger.Transfer:
        org_id = arguments.organisation
        await wallet_is_there(platform, org_id)
        if arguments.amount == 0:
            raise ledger.BadAmount(field="amount")
        return await ledger.recharge(
            platform.db, ids.lane_of(org_id), org_id, arguments.amount, key=arguments.key, bonus_e4=arguments.bonus,
            reason=arguments.reason,
        )  # fmt: skip

    done = on_platform(work)
    bonus = f"，另赠 and a bonus of {money.format_e4(arguments.bonus)}" if arguments.bonus else ""
    say(
        f"已入账 Credited {money.format_e4(done.amount_e4)}，当时余额 balance after it"
        f" {money.format_e4(done.credit_after_e4)} (transfer {done.transfer_id}){bonus}"
    )
    return 0


def set_credit_line(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> ledger.Account:
        org_id = arguments.organisation
        await wallet_is_there(platform, org_id)
        return await ledger.set_credit_line(
            platform.db, ids.lane_of(org_id), org_id, arguments.amount, reason=arguments.reason
        )

    wallet = on_platform(work)
    say(
        f"{wallet.org_id} 授信额度 credit line {money.format_e4(wallet.credit_line_e4)}，"
        f"可用 available {money.format_e4(wallet.available_e4)}"
    )
    return 0


async def wallet_is_there(platform: Platform, org_id: int) -> None:
    """Also where the number was mistyped and names no lane."""
    async with platform.db.connection() as connection:
        if not await store.has_wallet(connection, org_id):
            raise NoSuchOrganisation(str(org_id))


def adjust(arguments: argparse.Namespace) -> int:
    amount_e4 = arguments.add if arguments.take is None else -arguments.take

    async def work(platform: Platform) -> Adjustment:
        await wallet_is_there(platform, arguments.organisation)
        return await finance.adjust(
            platform.db, arguments.organisation, amount_e4, key=arguments.key, reason=arguments.reason,
            note=arguments.note, evidence=arguments.evidence, terms=finance.terms_of(platform.settings),
            actor_id=await actor_of(platform, arguments),
        )  # fmt: skip

    _tell(on_platform(work))
    return 0


def list_pending(_: argparse.Namespace) -> int:
    async def work(platform: Platform) -> list[Adjustment]:
        return await finance.pending_adjustments(platform.db)

    found = on_platform(work)
    for one in found:
        _tell(one)
    if not found:
        say("没有待复核的加款或扣款。Nothing waits for a second person.")
    return 0


def approve(arguments: argparse.Namespace) -> int:
    return _decide(arguments, approve=True)


def refuse(arguments: argparse.Namespace) -> int:
    return _decide(arguments, approve=False)


def _decide(arguments: argparse.Namespace, *, approve: bool) -> int:
    async def work(platform: Platform) -> Adjustment:
        actor_id = await actor_of(platform, arguments)
        return await finance.decide_adjustment(
            platform.db, arguments.adjustment, approve=approve, note=arguments.note, actor_id=actor_id
        )

    _tell(on_platform(work))
    return 0


def set_alert(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> None:
        await wallet_is_there(platform, arguments.organisation)
        actor_id = await actor_of(platform, arguments)
        await finance.set_low_balance(
            platform.db, arguments.organisation, arguments.amount or None, actor_id=actor_id
        )

    on_platform(work)
    threshold = money.format_e4(arguments.amount) if arguments.amount else "—"
    say(f"{arguments.organisation} 低余额提醒 low-balance alert: {threshold}")
    return 0


STATES_ZH = {"pending": "待复核", "executed": "已入账", "refused": "已拒绝"}


def _tell(one: Adjustment) -> None:
    way = "加款 added" if one.amount_e4 > 0 else "扣款 taken"
    say(
        f"{one.adjustment_id} {STATES_ZH[one.state]} {one.state}: {one.org_id} {way}"
        f" {money.format_e4(abs(one.amount_e4))}, {one.reason}, {one.note}, by {one.requested_by}"
    )
