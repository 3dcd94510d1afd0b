"""打款 at the console: who may, what is approved by whom, files for the bank and its results, what a person decides."""

from __future__ import annotations

import csv
import io

import pytest

from kameng import finance, ledger, payments
from kameng.finance import Payee, Terms, Withdrawal
from kameng.ops import auditing, founding
from pages import Visitor, rows_of, signed_in, text_of
from payments.bank import PROTOCOL
from running import Answer, Platform

YUAN = 10_000
TERMS = Terms(adjustment_limit_e4=0, withdrawal_limit_e4=500 * YUAN, fee_per_mille=6, fee_least_e4=2 * YUAN)
BY_BANK = Payee("bank", "张小明", "6222020012345678", "招商银行深圳分行")
BY_ALIPAY = Payee("alipay", "张小明", "13812345678")
DESK, BATCHES = "/console/withdrawals", "/console/withdrawals/batches"
HEAD = "序号,附言,金额,处理结果,流水号,失败原因"


async def staff(platform: Platform, role: str = "finance") -> Visitor:
    return await signed_in(platform, await founding.found_house(platform.db), role)


async def asked(platform: Platform, yuan: int = 100, *, payee: Payee = BY_BANK, ref: str = "W-1") -> Withdrawal:
    return await finance.ask_withdrawal(
        platform.db, platform.ring, platform.seed.shop.organisation, yuan * YUAN, client_ref=ref, payee=payee,
        terms=TERMS, actor_id=5,
    )  # fmt: skip


async def step(mine: Visitor, one: Withdrawal, name: str, **fields: object) -> Answer:
    return await mine.post(f"{DESK}/{one.withdrawal_id}/acts/{name}", fields)


async def state(platform: Platform, one: Withdrawal) -> str:
    found = await finance.find_withdrawal(platform.db, platform.seed.shop.organisation, one.withdrawal_id)
    return found.state.value


async def own_e4(platform: Platform) -> tuple[int, int]:
    shop = platform.seed.shop.organisation
    async with platform.db.connection() as connection:
        (wallet,) = await ledger.read_accounts(connection, shop.lane, [shop.org_id])
    return wallet.posted_e4, wallet.held_e4


async def clean(platform: Platform) -> None:
    assert (await auditing.run(platform.db, platform.ring)).broken == ()


async def test_above_the_limit_two_persons_approve_and_a_third_way_is_refused(platform: Platform) -> None:
    one, before = await asked(platform, 600), await own_e4(platform)
    first, second, auditor = await staff(platform), await staff(platform), await staff(platform, "auditor")
    page = text_of(await first.get(DESK))
    for part in ("待审核", "需两人审核", "¥600.00", "招商银行", "5678"):
        assert part in page, part
    assert BY_BANK.account not in page
    assert (await step(auditor, one, "approve")).status == 403
    assert "acts/approve" not in (await auditor.get(DESK)).body.decode()
    assert (await step(first, one, "approve")).status == 303
    again = await step(first, one, "approve")
    assert (again.status, await state(platform, one)) == (422, "checked")
    assert (await step(first, one, "pay", reference="CMB-0")).status == 422
    assert (await step(second, one, "approve")).status == 303
    assert (await state(platform, one), await own_e4(platform)) == ("approved", before)
    wrong = await step(second, one, "pay", reference="")
    assert (wrong.status, f'id="pay-{one.withdrawal_id}-reference-said"' in wrong.body.decode()) == (422, True)
    assert [(await step(second, one, name)).status for name in ("nonsense", "arrived")] == [404, 422]
    assert (await step(second, one, "pay", reference="CMB-1")).status == 303
    assert (await state(platform, one), await own_e4(platform)) == ("paid", (before[0] - 600 * YUAN, 0))
    assert "CMB-1" in text_of(await first.get(f"{DESK}?view=paid"))
    await clean(platform)


async def test_a_refused_one_has_its_money_back_and_is_told_why(platform: Platform) -> None:
    before = await own_e4(platform)
    one, mine = await asked(platform), await staff(platform)
    assert (await step(mine, one, "refuse", note="")).status == 422
    assert (await step(mine, one, "refuse", note="户名与认证不符")).status == 303
    assert (await state(platform, one), await own_e4(platform)) == ("refused", before)
    assert "户名与认证不符" in text_of(await mine.get(f"{DESK}?view=back"))
    shop = await signed_in(platform, platform.seed.shop.organisation)
    assert "户名与认证不符" in text_of(await shop.get(f"/merchant/withdrawals/{one.withdrawal_id}"))
    await clean(platform)


async def test_whom_to_pay_is_shown_once_somebody_asks_and_written_down(platform: Platform) -> None:
    one, mine, auditor = await asked(platform), await staff(platform), await staff(platform, "auditor")
    path = f"{DESK}/{one.withdrawal_id}/payee"
    assert (await auditor.post(path)).status == 403
    assert BY_BANK.account in text_of(await mine.post(path))
    looks = await platform.db.pool.fetchval("SELECT count(*) FROM audit_line WHERE act = 'withdrawal.reveal'")
    assert looks == 1
    await platform.db.pool.execute("UPDATE web_session SET proved_at = proved_at - interval '11 minutes'")
    answer = await mine.post(path)
    assert (answer.status, answer.headers["location"].partition("?")[0]) == (303, "/prove")


@pytest.mark.parametrize("form", ["csv", "xlsx"])
async def test_a_file_for_the_bank_is_made_and_given_to_who_may(platform: Platform, form: str) -> None:
    mine, auditor = await staff(platform), await staff(platform, "auditor")
    nothing = await mine.post(BATCHES)
    assert (nothing.status, "没有待打款的银行提现" in text_of(nothing)) == (422, True)
    one = await asked(platform)
    await step(mine, one, "approve")
    assert (await auditor.post(BATCHES)).status == 403
    assert (await mine.post(BATCHES)).status == 303
    (batch,) = await finance.list_batches(platform.db)
    assert (batch.lines, batch.amount_e4) == (1, 98 * YUAN)
    path = f"{BATCHES}/{batch.batch_id}/{form}"
    assert "¥98.00" in text_of(await auditor.get(BATCHES))
    assert [path in (await who.get(BATCHES)).body.decode() for who in (mine, auditor)] == [True, False]
    assert (await auditor.post(path)).status == 403
    assert (await mine.post(f"{BATCHES}/{batch.batch_id}/pdf")).status == 404
    answer = await mine.post(path)
    assert answer.status == 200
    assert f"''payouts-{batch.batch_id}.{form}" in answer.headers["content-disposition"]
    if form == "csv":
        rows = list(csv.reader(io.StringIO(answer.body.decode("utf-8-sig"))))
        assert rows[1:] == [
            ["1", BY_BANK.name, BY_BANK.account, BY_BANK.bank, "98.00", "CNY", f"W{one.withdrawal_id}"]
        ]
    else:
        assert answer.body[:2] == b"PK"
    await clean(platform)


async def test_the_banks_result_says_of_each_line_what_became_of_it(platform: Platform) -> None:
    mine, auditor = await staff(platform), await staff(platform, "auditor")
    before = await own_e4(platform)
    paid, back, late = [await asked(platform, ref=f"W-{n}") for n in range(3)]
    for one in (paid, back, late):
        await step(mine, one, "approve")
    await mine.post(BATCHES)
    lines = [
        HEAD, f"1,W{paid.withdrawal_id},98.00,成功,CMB-1,", f"2,W{back.withdrawal_id},98.00,退票,,户名不符",
        f"3,W{late.withdrawal_id},97.00,成功,CMB-3,",
    ]  # fmt: skip
    content = "\n".join(lines).encode("gb18030")
    assert (await auditor.upload(f"{BATCHES}/result", "result.csv", content)).status == 403
    wrong = await mine.upload(f"{BATCHES}/result", "result.csv", "序号,金额\n1,2".encode())
    assert (wrong.status, 'aria-invalid="true"' in wrong.body.decode()) == (422, True)
    first = rows_of(await mine.upload(f"{BATCHES}/result", "result.csv", content))
    assert [row.split()[-1] for row in first] == ["已支付", "已退回钱包", "金额不符"]
    again = rows_of(await mine.upload(f"{BATCHES}/result", "result.csv", content))
    assert [row.split()[-1] for row in again] == ["此前已入账", "此前已入账", "金额不符"]
    assert [await state(platform, one) for one in (paid, back, late)] == ["paid", "failed", "paying"]
    assert (await step(mine, late, "back", note="银行查无此笔")).status == 303
    assert await own_e4(platform) == (before[0] - 100 * YUAN, 0)
    await clean(platform)


async def test_what_no_provider_could_say_is_a_persons_word(platform: Platform) -> None:
    """An Alipay payout that went astray: asked again, or decided; one that is under way offers neither."""
    mine = await staff(platform)
    before = await own_e4(platform)
    number = await payments.add_channel(
        platform.db, platform.ring, protocol=PROTOCOL, name="loopback", account_no="M-1", actor_id=7,
        credentials={"base": "http://127.0.0.1:1", "secret": "s"},
    )  # fmt: skip
    one = await asked(platform, payee=BY_ALIPAY)
    await step(mine, one, "approve")
    assert (await step(mine, one, "alipay", channel=number)).status == 422  # it pays nobody out
    assert await state(platform, one) == "approved"
    await finance.send_by_alipay(platform.db, one.withdrawal_id, number, actor_id=7)
    path = f"{DESK}?view=paying"
    shown = (await mine.get(path)).body.decode()
    assert [f"acts/{name}" in shown for name in ("arrived", "back", "again", "pay")] == [False] * 4
    await platform.db.pool.execute("UPDATE payout SET state = 'abnormal', code = 'SYSTEM_ERROR'")
    shown = (await mine.get(path)).body.decode()
    assert [f"acts/{name}" in shown for name in ("arrived", "back", "again", "pay")] == [True] * 3 + [False]
    assert "SYSTEM_ERROR" in shown
    assert (await step(mine, one, "again")).status == 303
    assert await platform.db.pool.fetchval("SELECT state FROM payout") == "unknown"
    await platform.db.pool.execute("UPDATE payout SET state = 'abnormal'")
    assert (await step(mine, one, "arrived", reference="2026112422001")).status == 303
    assert (await state(platform, one), await own_e4(platform)) == ("paid", (before[0] - 100 * YUAN, 0))
    await clean(platform)


@pytest.mark.parametrize("path", [DESK, BATCHES])
async def test_whoever_sees_no_money_sees_no_payouts(platform: Platform, path: str) -> None:
    assert (await (await staff(platform, "support")).get(path)).status == 403
    assert (await (await signed_in(platform, platform.seed.shop.organisation)).get(path)).status == 403
    empty = await (await staff(platform)).get(f"{path}?lang=en")
    assert (empty.status, rows_of(empty)) == (200, [])
