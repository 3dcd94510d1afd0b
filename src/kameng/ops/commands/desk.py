"""``withdrawal``, ``statement``, ``month``, ``stock`` and ``audit-log``: what finance staff does and reads."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path

import msgspec

from kameng import finance, payments, stock
from kameng.finance import Payee, Withdrawal
from kameng.kit import audit, clock, ids, money
from kameng.kit.ids import ID_MAX
from kameng.ops import store
from kameng.ops.commands.options import Commands, actor_of, count, number, on_platform, say, say_person, say_who, sku_of
from kameng.ops.opening import Platform
from kameng.ops.processes import standard_output


def add(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Name them to the parser."""
    group = commands.add_parser("withdrawal", help="提现 money that organisations want paid out").add_subparsers(
        metavar="ACT", required=True
    )
    _add_withdrawals(group, common)
    _add_payouts(group, common)

    one = commands.add_parser("statement", parents=[common], help="对账单 what moved on wallets, as CSV")
    groups = ["day", "product", "customer", "line"]
    one.add_argument("group", choices=groups, help="按日、商品、客户或逐笔 added up by what")
    one.add_argument("--organisation", type=number, metavar="ORG", help="仅此商户 of one wallet; otherwise of all")
    one.add_argument("--from", dest="first", type=day, required=True, metavar="DAY", help="起始日 2026-10-01, in China")
    one.add_argument("--to", dest="last", type=day, required=True, metavar="DAY", help="截止日，含当日 the last day")
    one.add_argument("--out", type=Path, metavar="FILE", help="写入文件 to a file, not to the screen")
    one.set_defaults(run=state)

    group = commands.add_parser("month", help="月结 months").add_subparsers(metavar="ACT", required=True)
    one = group.add_parser("close", parents=[common], help="结账，不可重开 close one for good; repeatable")
    one.add_argument("month", metavar="MONTH", help="月份 like 2026-10")
    say_person(one)
    one.set_defaults(run=close_month)
    one = group.add_parser("list", parents=[common], help="列出 those that are closed")
    one.set_defaults(run=list_months)

    group = commands.add_parser("stock", help="库存 the shelves").add_subparsers(metavar="ACT", required=True)
    one = group.add_parser("alert", parents=[common], help="低库存预警 below how many cards a SKU is low; 0: never")
    one.add_argument("sku", type=number, metavar="SKU")
    one.add_argument("low_at", type=count, metavar="N")
    say_who(one)
    one.set_defaults(run=set_stock_alert)

    one = commands.add_parser("audit-log", parents=[common], help="操作日志 who did what to what, newest first")
    one.add_argument("--organisation", type=number, metavar="ORG", help="商户 in whose name")
    one.add_argument("--by", type=number, metavar="WHO", help="操作人或密钥 the person or key")
    one.add_argument("--act", metavar="ACT", help="操作 like wallet.recharge, or all of wallet")
    one.add_argument("--subject", type=number, metavar="ID", help="对象 what it was done to")
    one.add_argument("--from", dest="first", type=day, metavar="DAY", help="起始日 from this day on, in China")
    one.add_argument("--cursor", type=number, default=ID_MAX, metavar="ID", help="上一页最后一行 the last line seen")
    one.add_argument("--limit", type=count, default=50, metavar="N", help="行数 how many lines")
    one.set_defaults(run=list_audit_lines)


def _add_withdrawals(group: Commands, common: argparse.ArgumentParser) -> None:
    one = group.add_parser("list", parents=[common], help="列出 newest first")
    one.add_argument("--organisation", type=number, metavar="ORG", help="仅此商户 of one organisation")
    one.add_argument("--state", choices=[state.value for state in finance.State], help="状态 in one state")
    one.add_argument("--cursor", type=number, default=ID_MAX, metavar="ID", help="上一页最后一行 the last one seen")
    one.add_argument("--limit", type=count, default=50, metavar="N", help="行数 how many")
    one.set_defaults(run=list_withdrawals)
    one = group.add_parser("payee", parents=[common], help="查看收款人，记入审计 whom to pay; it is written down")
    one.add_argument("withdrawal", type=number, metavar="WITHDRAWAL")
    say_person(one)
    one.set_defaults(run=show_payee)
    for name, run, said in (
        ("approve", approve, "审核通过，超限须两人 find it good; above the limit it takes two"),
        ("refuse", refuse, "拒绝并解冻 let the money go back"),
        ("pay", pay, "登记已打款 the bank transfer was made"),
        ("fail", fail, "打款失败并解冻 the bank sent it back"),
    ):
        one = group.add_parser(name, parents=[common], help=said)
        one.add_argument("withdrawal", type=number, metavar="WITHDRAWAL")
        if name in ("refuse", "fail"):
            one.add_argument("--note", required=True, metavar="TEXT", help="原因，商户可见 why; its owner is told")
        if name == "pay":
            one.add_argument("--reference", required=True, metavar="TEXT", help="银行流水号 the bank's number of it")
        say_person(one)
        one.set_defaults(run=run)


def _add_payouts(group: Commands, common: argparse.ArgumentParser) -> None:
    one = group.add_parser("send", parents=[common], help="支付宝打款 send approved money by Alipay")
    one.add_argument("withdrawal", type=number, metavar="WITHDRAWAL")
    one.add_argument("--channel", type=number, required=True, metavar="N", help="支付宝通道 which channel pays")
    say_person(one)
    one.set_defaults(run=send)
    one = group.add_parser("arrived", parents=[common], help="确认打款已到账 a person's word that it arrived")
    one.add_argument("withdrawal", type=number, metavar="WITHDRAWAL")
    one.add_argument("--reference", required=True, metavar="TEXT", help="银行流水号 the bank's number of it")
    say_person(one)
    one.set_defaults(run=decide)
    one = group.add_parser("back", parents=[common], help="确认打款未到账，退回钱包 a person's word that it did not")
    one.add_argument("withdrawal", type=number, metavar="WITHDRAWAL")
    one.add_argument("--note", required=True, metavar="TEXT", help="原因，商户可见 why; its owner is told")
    say_person(one)
    one.set_defaults(run=decide)
    one = group.add_parser("again", parents=[common], help="重新查询渠道 ask the provider again")
    one.add_argument("withdrawal", type=number, metavar="WITHDRAWAL")
    say_person(one)
    one.set_defaults(run=ask_again)
    one = group.add_parser("batch", parents=[common], help="银行批量文件 approved money to banks into one file")
    one.add_argument("--again", type=number, metavar="BATCH", help="重新导出此批次 write that file once more")
    one.add_argument("--file", type=Path, required=True, metavar="FILE", help="写入文件 .xlsx or .csv")
    say_person(one)
    one.set_defaults(run=make_batch)
    one = group.add_parser("result", parents=[common], help="导入银行回盘 bring in the bank's result, CSV or XLSX")
    one.add_argument("file", type=Path, metavar="FILE")
    say_person(one)
    one.set_defaults(run=import_result)


def day(text: str) -> date:
    """``2026-10-31``."""
    try:
        return finance.day_of(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"应为日期 a day like 2026-10-31, not {text!r}") from None


def list_withdrawals(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> list[Withdrawal]:
        return await finance.list_withdrawals(
            platform.db, org_id=arguments.organisation, state=arguments.state, before_id=arguments.cursor,
            limit=arguments.limit,
        )  # fmt: skip

    for one in on_platform(work):
        _tell(one)
    return 0


def show_payee(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> Payee:
        actor_id = await actor_of(platform, arguments)
        return await finance.reveal_payee(platform.db, platform.ring, arguments.withdrawal, actor_id=actor_id)

    payee = on_platform(work)
    say(f"{payee.method} {payee.bank} {payee.name} {payee.account}")
    return 0


def approve(arguments: argparse.Namespace) -> int:
    return _step(arguments, lambda db, one, by: finance.approve_withdrawal(db, one, actor_id=by))


def refuse(arguments: argparse.Namespace) -> int:
    return _step(arguments, lambda db, one, by: finance.refuse_withdrawal(db, one, note=arguments.note, actor_id=by))


def pay(arguments: argparse.Namespace) -> int:
    return _step(
        arguments,
        lambda db, one, by: finance.pay_withdrawal(db, one, external_ref=arguments.reference, actor_id=by),
    )


def fail(arguments: argparse.Namespace) -> int:
    return _step(arguments, lambda db, one, by: finance.fail_withdrawal(db, one, note=arguments.note, actor_id=by))


def _step(arguments: argparse.Namespace, act: Callable[..., Awaitable[Withdrawal]]) -> int:
    async def work(platform: Platform) -> Withdrawal:
        return await act(platform.db, arguments.withdrawal, await actor_of(platform, arguments))

    _tell(on_platform(work))
    return 0


def send(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> finance.Payout:
        return await payments.send_withdrawal(
            platform.db, arguments.withdrawal, arguments.channel, actor_id=await actor_of(platform, arguments)
        )

    _tell_payout(on_platform(work))
    return 0


def decide(arguments: argparse.Namespace) -> int:
    word = {name: said for name in ("reference", "note") if (said := getattr(arguments, name, ""))}

    async def work(platform: Platform) -> finance.Payout:
        actor_id = await actor_of(platform, arguments)
        return await payments.decide_payout(platform.db, arguments.withdrawal, **word, actor_id=actor_id)

    _tell_payout(on_platform(work))
    return 0


def ask_again(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> finance.Payout:
        actor_id = await actor_of(platform, arguments)
        return await payments.retry_payout(platform.db, arguments.withdrawal, actor_id=actor_id)

    _tell_payout(on_platform(work))
    return 0


def make_batch(arguments: argparse.Namespace) -> int:
    form = "csv" if arguments.file.suffix.lower() == ".csv" else "xlsx"

    async def work(platform: Platform) -> tuple[int, bytes]:
        actor_id = await actor_of(platform, arguments)
        batch_id = arguments.again
        if batch_id is None:
            batch_id = (await finance.make_batch(platform.db, actor_id=actor_id)).batch_id
        return batch_id, await finance.bank_file(platform.db, platform.ring, batch_id, form, actor_id=actor_id)

    batch_id, content = on_platform(work)
    arguments.file.touch(mode=0o600)  # payees stand in it in clear
    arguments.file.write_bytes(content)
    say(f"{batch_id} 银行批量文件 a file for the bank: {arguments.file}")
    return 0


def import_result(arguments: argparse.Namespace) -> int:
    """1 if somebody has to look at a line."""
    data = arguments.file.read_bytes()

    async def work(platform: Platform) -> list[finance.Taken]:
        actor_id = await actor_of(platform, arguments)
        return await finance.import_bank_result(
            platform.db, data, file_name=arguments.file.name, actor_id=actor_id
        )

    taken = on_platform(work)
    for one in taken:
        say(f"{one.line.line_no}: {one.line.payout_no} {one.effect} {one.line.reason}".rstrip())
    return 1 if any(one.is_odd for one in taken) else 0


def _tell_payout(one: finance.Payout) -> None:
    code = f", {one.code}" if one.code else ""
    say(f"{one.payout_no} {finance.PAYOUT_STATES_ZH[one.state]} {one.state}: {money.format_e4(one.amount_e4)}{code}")


def _tell(one: Withdrawal) -> None:
    fee = f", 手续费 fee {money.format_e4(one.fee_e4)}" if one.fee_e4 else ""
    note = f", {one.external_ref or one.note}" if one.external_ref or one.note else ""
    say(
        f"{one.withdrawal_id} {finance.STATES_ZH[one.state]} {one.state}: {one.org_id}"
        f" {money.format_e4(one.amount_e4)} {one.currency}{fee}, {one.payee_shown}{note}"
    )


def state(arguments: argparse.Namespace) -> int:
    """To the screen or a file, as it is made."""
    period = finance.period_of(arguments.first, arguments.last)
    if arguments.group == "line" and arguments.organisation is None:
        raise finance.BadFinanceRequest("lines are of one wallet", field="organisation", detail_zh="逐笔须指定商户")

    async def work(platform: Platform) -> None:
        organisation = None
        if arguments.organisation is not None:
            async with platform.db.connection() as connection:
                organisation = await store.organisation(connection, arguments.organisation)
        currency = organisation.currency if organisation else "CNY"
        opening_e4 = await finance.opening_balance(platform.db, period, organisation=organisation, currency=currency)
        found = finance.sections(
            platform.db, period, arguments.group, organisation=organisation, currency=currency
        )
        with standard_output() if arguments.out is None else arguments.out.open("wb") as file:
            async for chunk in finance.csv_of(found, opening_e4):
                file.write(chunk)

    on_platform(work)
    return 0


def close_month(arguments: argparse.Namespace) -> int:
    month = finance.month_of(arguments.month)

    async def work(platform: Platform) -> list[finance.Closed]:
        return await finance.close_month(platform.db, month, actor_id=await actor_of(platform, arguments))

    for lane in on_platform(work):
        how = "已结账 closed" if lane.is_new else "此前已结账 closed before"
        say(f"{arguments.month} 分区 lane {lane.lane}: {how}, {lane.sum_count} 项 sums")
    return 0


def list_months(_: argparse.Namespace) -> int:
    async def work(platform: Platform) -> list[tuple[date, int]]:
        return await finance.closed_months(platform.db)

    for month, lane_count in on_platform(work):
        say(f"{month:%Y-%m}: {lane_count} 个分区 lanes")
    return 0


def set_stock_alert(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> None:
        await sku_of(platform, arguments.sku)
        actor_id = await actor_of(platform, arguments)
        await stock.set_low_stock(platform.db, arguments.sku, arguments.low_at or None, actor_id=actor_id)

    on_platform(work)
    say(f"{arguments.sku} 低库存预警 low-stock alert: {arguments.low_at or '—'}")
    return 0


def list_audit_lines(arguments: argparse.Namespace) -> int:
    from_id = 0 if arguments.first is None else ids.first_at(clock.china_start_ms(arguments.first))
    asked = audit.Asked(arguments.organisation, arguments.by, arguments.act, arguments.subject, from_id)

    async def work(platform: Platform) -> list[audit.Kept]:
        return await audit.read(platform.db, asked, before_id=arguments.cursor, limit=arguments.limit)

    for line in on_platform(work):
        fields = {
            "id": line.audit_id, "at": f"{line.at:%Y-%m-%dT%H:%M:%SZ}", "act": line.act, "by": line.actor_id,
            "organisation": line.org_id, "subject": line.subject_id, "data": line.data,
        }  # fmt: skip
        say(msgspec.json.encode(fields).decode())
    return 0
