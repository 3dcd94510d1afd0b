"""Acts on many rows and exports: looked at, done once, gone on with after a crash, taken away by their maker alone."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from kameng import access, identity, lists, orders
from kameng.identity import Organisation
from kameng.kit import clock
from kameng.kit.working import Worker
from kameng.lists import BadRun, NewRun, NoSuchRun, Plan, Preview, Run, TooManyRuns
from kameng.ops import founding
from kameng.web import PLANS, Tools
from running import Platform

CONFIRM, REFUND, EXPORT = (PLANS[f"merchant.orders.{name}"] for name in ("confirm", "refund", "export"))


class Office:
    """Somebody of the platform's merchant, and a worker for his runs."""

    def __init__(self, platform: Platform, person_id: int, folder: Path) -> None:
        self.platform, self.person_id, self.folder = platform, person_id, folder
        self.me: Organisation = platform.seed.shop.organisation
        self.plans: dict[str, Plan] = {name: one.plan for name, one in PLANS.items()}

    async def tools(self) -> Tools:
        snapshot = orders.Snapshot(self.platform.db, self.platform.ring, orders.Terms(confirm_days=7))
        await snapshot.start()
        return Tools(self.platform.db, self.platform.ring, snapshot)

    def wish(self, plan: str, **more: Any) -> NewRun:
        usual = {"kind": "act", "query": "", "reason": "测试", "language": "en"}
        return NewRun(org_id=self.me.org_id, person_id=self.person_id, plan=plan, **{**usual, **more})

    async def begin(self, plan: str, **more: Any) -> Run:
        return await lists.begin(self.platform.db, self.wish(plan, **more), total=0)

    async def work(self) -> int:
        made = lists.handlers(self.platform.db, self.folder, self.plans, self.tools)
        return await Worker(self.platform.db, made, lanes=[self.me.lane]).work_once()

    async def find(self, run: Run) -> Run:
        async with self.platform.db.connection() as connection:
            return await lists.find_run(connection, run.run_id, org_id=self.me.org_id, person_id=self.person_id)

    async def place(self, count: int, name: str = "r") -> list[int]:
        """Orders of a card, newest last."""
        answers = [await self.platform.place(f"{name}-{number}", self.platform.goods.card) for number in range(count)]
        return [int(answer.json["id"]) for answer in answers]

    async def states(self) -> dict[str, int]:
        rows = await self.platform.db.pool.fetch(
            "SELECT state, count(*)::int AS count FROM orders WHERE org_id = $1 GROUP BY state", self.me.org_id
        )
        return {row["state"]: row["count"] for row in rows}


@pytest.fixture
async def office(platform: Platform, tmp_path: Path) -> Office:
    person_id = await identity.enrol(platform.db, sign_in="office@test.kameng", name="办公室")
    await identity.join(platform.db, platform.seed.shop.organisation, person_id, "owner")
    return Office(platform, person_id, tmp_path / "exports")


async def test_a_dry_run_counts_and_changes_nothing(office: Office) -> None:
    placed = await office.place(3)
    before = await office.platform.trace()
    seen = await lists.preview(await office.tools(), REFUND.plan, office.wish(REFUND.plan.name))
    assert seen == Preview(3, 0, {"not_refundable": 3})
    seen = await lists.preview(await office.tools(), CONFIRM.plan, office.wish(CONFIRM.plan.name, wanted=(placed[0],)))
    price_e4 = await office.platform.db.pool.fetchval("SELECT total_e4 FROM orders WHERE order_id = $1", placed[0])
    assert (seen.total, seen.can, seen.amount_e4) == (1, 1, price_e4)
    assert await office.platform.trace() == before


async def test_what_was_chosen_is_done_and_the_rest_is_told(office: Office) -> None:
    placed = await office.place(3)
    stranger = 99
    run = await office.begin(CONFIRM.plan.name, wanted=(placed[0], placed[2], stranger))
    assert run.state == "waiting"
    assert await office.work() == 1
    ended = await office.find(run)
    assert (ended.state, ended.done, ended.refused) == ("done", 2, 0)  # what is nobody's is no row of his
    assert await office.states() == {"delivered": 1, "settled": 2}
    again = await office.begin(CONFIRM.plan.name)
    await office.work()
    ended = await office.find(again)
    assert (ended.done, ended.refused) == (1, 2)
    assert ended.refusals == [(placed[2], "state_forbids"), (placed[0], "state_forbids")]  # newest first


async def test_all_that_match_are_those_of_then(office: Office) -> None:
    await office.place(2)
    run = await office.begin(CONFIRM.plan.name, query="state=delivered")
    await office.place(2, "later")
    await office.work()
    assert (await office.find(run)).done == 2
    assert await office.states() == {"delivered": 2, "settled": 2}


async def test_a_run_that_was_left_goes_on_and_does_nothing_twice(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker is lost after the rows were done and before that was written down."""
    monkeypatch.setattr("kameng.lists.working.CHUNK", 2)
    await office.place(5)
    whole = CONFIRM.plan
    assert whole.act is not None
    lost: list[int] = []

    async def lose(tools: Any, run: Run, rows: Any) -> list[str]:
        said = await whole.act(tools, run, rows)  # type: ignore[misc]
        if not lost and run.done:
            lost.append(len(rows))
            raise RuntimeError("the machine went away")
        return said

    run = await office.begin(whole.name)
    office.plans[whole.name] = Plan(whole.name, whole.find, act=lose, check=whole.check)
    await office.work()
    assert lost == [2]
    halfway = await office.find(run)
    assert (halfway.state, halfway.done) == ("running", 2)
    # its job is asked about, which is to go on
    await office.platform.db.pool.execute("UPDATE job SET lease_until = now() - interval '1 minute'")
    await office.work()
    ended = await office.find(run)
    assert (ended.state, ended.done, ended.refused) == ("done", 5, 0)
    assert await office.states() == {"settled": 5}
    asked = "SELECT count(*)::int FROM order_command WHERE key LIKE '%list:%'"
    commands = await office.platform.db.pool.fetchval(asked)
    assert commands == 5


async def test_a_run_stops_where_it_is_told_to(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kameng.lists.working.CHUNK", 2)
    await office.place(4)
    run = await office.begin(CONFIRM.plan.name)
    await lists.stop(office.platform.db, run.run_id, org_id=office.me.org_id, person_id=office.person_id)
    await office.work()
    ended = await office.find(run)
    assert (ended.state, ended.done) == ("stopped", 2)
    with pytest.raises(NoSuchRun):  # it has ended
        await lists.stop(office.platform.db, run.run_id, org_id=office.me.org_id, person_id=office.person_id)


async def test_who_may_not_any_more_gets_nothing_done(office: Office) -> None:
    await office.place(1)
    run = await office.begin(CONFIRM.plan.name)
    async with office.platform.db.transaction() as connection:
        await connection.execute("UPDATE membership SET role = 'auditor' WHERE person_id = $1", office.person_id)
    await office.work()
    ended = await office.find(run)
    assert (ended.state, ended.refusals[0][1]) == ("failed", access.Forbidden.code)
    assert await office.states() == {"delivered": 1}


@pytest.mark.parametrize("form", ["csv", "xlsx"])
async def test_an_export_is_a_file_of_what_the_list_shows(office: Office, form: str) -> None:
    placed = await office.place(3, "=1+1")  # a reference that a spreadsheet would take for a formula
    run = await office.begin(EXPORT.plan.name, kind="export", form=form, reason="")
    await office.work()
    ended = await office.find(run)
    assert (ended.state, ended.done) == ("done", 3)
    path = lists.path_of(office.folder, ended)
    assert ended.file_bytes == path.stat().st_size
    assert [one.name for one in office.folder.iterdir()] == [path.name]
    if form == "csv":
        with path.open(encoding="utf-8-sig", newline="") as opened:
            rows: list[list[Any]] = list(csv.reader(opened))
    else:
        rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    assert rows[0] == [
        "Order number", "Your number", "Placed at", "SKU", "Goods", "For", "Quantity", "Unit price", "Total",
        "Refunded", "Currency", "State",
    ]  # fmt: skip
    assert [row[0] for row in rows[1:]] == [str(one) for one in reversed(placed)]
    assert rows[1][1] == ("'" if form == "csv" else "") + "=1+1-2"
    assert rows[1][10:] == ["CNY", "Delivered"]
    lists.sweep_files(office.folder)
    assert path.exists()


async def test_runs_are_refused_in_words(office: Office) -> None:
    with pytest.raises(BadRun) as caught:
        await office.begin(CONFIRM.plan.name, reason=" ")
    assert caught.value.field == "reason"
    with pytest.raises(BadRun):
        await office.begin(CONFIRM.plan.name, wanted=())
    for _ in range(3):
        await office.begin(CONFIRM.plan.name)
    with pytest.raises(TooManyRuns):
        await office.begin(CONFIRM.plan.name)
    assert await office.platform.count("list_run") == 3


async def test_a_run_is_its_makers_alone_and_for_a_day(office: Office) -> None:
    run = await office.begin(EXPORT.plan.name, kind="export", form="csv", reason="")
    other = (await founding.found_member(office.platform.db, office.platform.ring, "别家")).organisation
    async with office.platform.db.connection() as connection:
        for org_id, person_id in ((office.me.org_id, 1), (other.org_id, office.person_id)):
            with pytest.raises(NoSuchRun):
                await lists.find_run(connection, run.run_id, org_id=org_id, person_id=person_id)
    assert (await office.find(run)).run_id == run.run_id
    with clock.hold(clock.now_ms() + 25 * 3_600_000):
        with pytest.raises(NoSuchRun):
            await office.find(run)
        assert await lists.purge(office.platform.db, office.me.lane) == 1
    assert await office.platform.count("list_run") == 0


async def test_it_is_in_the_audit_log(office: Office) -> None:
    run = await office.begin(CONFIRM.plan.name, query="state=delivered")
    line = await office.platform.db.pool.fetchrow("SELECT * FROM audit_line WHERE subject_id = $1", run.run_id)
    assert (line["act"], line["actor_id"], line["org_id"]) == ("list.act", office.person_id, office.me.org_id)
    assert line["data"]["reason"] == "测试"
