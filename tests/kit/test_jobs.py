"""Jobs: the rows. Who may take what, who may finish it, what becomes of failures, and the desk."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng.kit import clock, jobs
from kameng.kit.db import Connection, Database
from kameng.kit.jobs import GiveUp, Job, NewJob, NotDone
from kameng.kit.lanes import pass_gate

NOW_MS = 1_795_000_000_000
NOW = datetime.fromtimestamp(NOW_MS / 1000, UTC)
SECOND = timedelta(seconds=1)


async def add(database: Database, *new: NewJob, lane: int = 1) -> list[int]:
    async with database.transaction() as connection:
        passage = await pass_gate(connection, lane, id_count=len(new))
        await jobs.add(connection, lane, new, passage.ids)
    return passage.ids


async def claim(database: Database, kind: str = "a", *, lane: int = 1, limit: int = 10) -> list[Job]:
    async with database.transaction() as connection:
        await pass_gate(connection, lane)
        return await jobs.claim(connection, lane, kind, limit=limit, lease_s=60)


async def rows(database: Database, *columns: str) -> list[tuple[Any, ...]]:
    async with database.connection() as connection:
        found = await connection.fetch(f"SELECT {', '.join(columns)} FROM job ORDER BY lane, job_id")
    return [tuple(row.values()) for row in found]


@pytest.fixture
async def connection(database: Database) -> Any:
    async with database.connection() as lent:
        yield lent


# adding and looking ----------------------------------------------------------------------------------------


async def test_added_jobs_stand_as_given(database: Database) -> None:
    with clock.hold(NOW_MS):
        first, second = await add(
            database, NewJob("a", 7, {"n": [1, "二"]}), NewJob("b", 8, due_at=NOW + SECOND)
        )
    assert await rows(
        database, "lane", "job_id", "kind", "subject_id", "payload", "state", "due_at", "attempts"
    ) == [
        (1, first, "a", 7, {"n": [1, "二"]}, "waiting", NOW, 0),
        (1, second, "b", 8, None, "waiting", NOW + SECOND, 0),
    ]


async def test_jobs_are_written_with_what_causes_them_or_not_at_all(database: Database) -> None:
    async def fail() -> None:
        async with database.transaction() as connection:
            passage = await pass_gate(connection, 1, id_count=1)
            await jobs.add(connection, 1, [NewJob("a", 1)], passage.ids)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await rows(database, "job_id") == []


async def test_each_job_needs_an_id(connection: Connection) -> None:
    with pytest.raises(AssertionError, match="each job needs its id"):
        await jobs.add(connection, 1, [NewJob("a", 1), NewJob("a", 2)], [5])


async def test_due_kinds(database: Database, connection: Connection) -> None:
    with clock.hold(NOW_MS):
        await add(database, NewJob("a", 1), NewJob("b", 2, due_at=NOW + SECOND), NewJob("c", 3))
        assert await jobs.due_kinds(connection, 1, ["a", "b"]) == ["a"]
        assert await jobs.due_kinds(connection, 0, ["a", "b"]) == []
        await claim(database, "a")
        assert await jobs.due_kinds(connection, 1, ["a", "b"]) == []
    with clock.hold(NOW_MS + 1000):
        assert await jobs.due_kinds(connection, 1, ["a", "b"]) == ["b"]
    with clock.hold(NOW_MS + 60_000):
        assert await jobs.due_kinds(connection, 1, ["a", "b"]) == ["a", "b"]


# claiming and finishing ------------------------------------------------------------------------------------


async def test_claiming_leases_what_is_due_of_one_kind_oldest_first(database: Database) -> None:
    with clock.hold(NOW_MS):
        made = await add(
            database, NewJob("a", 1, due_at=NOW - SECOND), NewJob("a", 2, due_at=NOW - 3 * SECOND),
            NewJob("b", 3), NewJob("a", 4, due_at=NOW + SECOND), NewJob("a", 5, due_at=NOW - 2 * SECOND),
        )  # fmt: skip
        claimed = await claim(database, limit=2)
        assert sorted(job.subject_id for job in claimed) == [2, 5]
        assert {(job.lane, job.kind, job.payload, job.attempts, job.state) for job in claimed} == {
            (1, "a", None, 1, "leased")
        }
        token = claimed[0].lease_token
        assert await rows(database, "job_id", "state", "lease_token", "lease_until") == [
            (made[0], "waiting", None, None),
            (made[1], "leased", token, NOW + 60 * SECOND),
            (made[2], "waiting", None, None),
            (made[3], "waiting", None, None),
            (made[4], "leased", token, NOW + 60 * SECOND),
        ]
        again = await claim(database)
        assert [job.subject_id for job in again] == [1]
        assert again[0].lease_token != token
        assert await claim(database) == []
        assert await claim(database, lane=0) == []


async def test_an_expired_lease_comes_back_by_itself_and_the_late_one_is_told(database: Database) -> None:
    with clock.hold(NOW_MS):
        await add(database, NewJob("a", 1), NewJob("a", 2))
        early = await claim(database)
    with clock.hold(NOW_MS + 59_999):
        assert await claim(database) == []
    with clock.hold(NOW_MS + 60_000):
        later = await claim(database, limit=1)
        assert [(job.attempts, job.state) for job in later] == [(2, "leased")]
        taken = later[0].job_id
        kept = next(job for job in early if job.job_id != taken)
        async with database.transaction() as connection:
            await pass_gate(connection, 1)
            assert await jobs.mark_sending(connection, 1, early, lease_s=60) == [
                Job(1, kept.job_id, "a", kept.subject_id, None, 1, kept.lease_token, "sending")
            ]
            assert await jobs.heartbeat(connection, 1, early, lease_s=60) == {kept.job_id}
            verdicts = [jobs.judge(job, NotDone("x"), attempts_max=9) for job in early if job.job_id == taken]
            assert await jobs.fail(connection, 1, verdicts) == set()
            assert await jobs.complete(connection, 1, early) == {kept.job_id}
        assert await rows(database, "job_id", "state", "attempts", "lease_token") == [
            (taken, "leased", 2, later[0].lease_token)
        ]


async def test_sending_is_never_leased_again_only_asked_about(database: Database) -> None:
    with clock.hold(NOW_MS):
        await add(database, NewJob("a", 1))
        claimed = await claim(database)
        async with database.transaction() as connection:
            await pass_gate(connection, 1)
            sending = await jobs.mark_sending(connection, 1, claimed, lease_s=60)
            assert await jobs.mark_sending(connection, 1, claimed, lease_s=60) == []  # marked once
        assert await claim(database) == []
    with clock.hold(NOW_MS + 60_000):
        found = await claim(database)
        assert [(job.state, job.attempts) for job in found] == [("sending", 2)]
        async with database.transaction() as connection:
            await pass_gate(connection, 1)
            assert await jobs.mark_sending(connection, 1, found, lease_s=60) == []  # can't be sent any more
            assert await jobs.complete(connection, 1, sending) == set()
            assert await jobs.complete(connection, 1, found) == {found[0].job_id}
    assert await rows(database, "job_id") == []


async def test_a_heartbeat_keeps_the_lease(database: Database) -> None:
    with clock.hold(NOW_MS):
        await add(database, NewJob("a", 1))
        claimed = await claim(database)
    with clock.hold(NOW_MS + 30_000):
        async with database.transaction() as connection:
            await pass_gate(connection, 1)
            assert await jobs.heartbeat(connection, 1, claimed, lease_s=60) == {claimed[0].job_id}
    with clock.hold(NOW_MS + 89_999):
        assert await claim(database) == []
    with clock.hold(NOW_MS + 90_000):
        assert len(await claim(database)) == 1


async def test_a_job_can_be_finished_once(database: Database) -> None:
    await add(database, NewJob("a", 1))
    claimed = await claim(database)
    for expected in ({claimed[0].job_id}, set()):
        async with database.transaction() as connection:
            await pass_gate(connection, 1)
            assert await jobs.complete(connection, 1, claimed) == expected


# failing ---------------------------------------------------------------------------------------------------


def job(*, attempts: int = 1, state: jobs.State = "leased") -> Job:
    return Job(1, 5, "a", 7, None, attempts, 11, state)


@pytest.mark.parametrize(
    ("given_job", "error", "can_ask", "becomes"),
    [
        (job(), RuntimeError("x"), False, "waiting"),
        (job(), NotDone("x"), False, "waiting"),
        (job(attempts=11), NotDone("x"), False, "waiting"),
        (job(attempts=12), NotDone("x"), False, "dead"),
        (job(attempts=12), RuntimeError("x"), True, "dead"),
        (job(), GiveUp("x"), False, "dead"),
        (job(state="waiting"), RuntimeError("x"), False, "waiting"),
        (job(state="waiting", attempts=12), RuntimeError("x"), False, "dead"),
        (job(state="sending"), NotDone("x"), False, "waiting"),
        (job(state="sending", attempts=12), NotDone("x"), True, "dead"),
        (job(state="sending"), GiveUp("x"), True, "dead"),
        (job(state="sending"), TimeoutError(), False, "unknown"),
        (job(state="sending"), TimeoutError(), True, "sending"),
        (job(state="sending", attempts=12), TimeoutError(), True, "sending"),
        (job(state="sending", attempts=23), TimeoutError(), True, "sending"),
        (job(state="sending", attempts=24), TimeoutError(), True, "unknown"),
    ],
)
def test_the_verdict(given_job: Job, error: Exception, can_ask: bool, becomes: jobs.State) -> None:
    with clock.hold(NOW_MS):
        verdict = jobs.judge(given_job, error, attempts_max=12, can_ask=can_ask)
    assert (verdict.job, verdict.state) == (given_job, becomes)
    assert verdict.error == f"{type(error).__name__}: {error}"
    if becomes in ("dead", "unknown"):
        assert verdict.due_at == NOW
    else:
        assert NOW <= verdict.due_at <= NOW + SECOND * min(3600, 2 ** (given_job.attempts - 1))


@pytest.mark.parametrize(
    ("attempts", "most_s"), [(1, 1.0), (2, 2.0), (5, 16.0), (12, 2048.0), (13, 3600.0), (10**9, 3600.0)]
)
def test_back_off_is_exponential_with_full_jitter(attempts: int, most_s: float) -> None:
    assert jobs.backoff_s(attempts, draw=lambda: 0.0) == 0.0
    assert jobs.backoff_s(attempts, draw=lambda: 0.5) == most_s / 2
    assert jobs.backoff_s(attempts, draw=lambda: 1.0) == most_s


@given(st.integers(1, 100))
def test_back_off_stays_in_its_bounds(attempts: int) -> None:
    assert 0 <= jobs.backoff_s(attempts) <= min(3600, 2 ** (attempts - 1))


async def test_failures_are_written(database: Database) -> None:
    with clock.hold(NOW_MS):
        ids = await add(database, *(NewJob("a", n) for n in range(4)))
        claimed = sorted(await claim(database), key=lambda j: j.job_id)
        states: list[jobs.State] = ["waiting", "dead", "sending", "unknown"]
        async with database.transaction() as connection:
            await pass_gate(connection, 1)
            await jobs.mark_sending(connection, 1, claimed[2:], lease_s=60)
            verdicts = [
                jobs.Verdict(j, state, NOW + SECOND, f"because {state}")
                for j, state in zip(claimed, states, strict=True)
            ]
            assert await jobs.fail(connection, 1, verdicts) == set(ids)
        columns = ("state", "attempts", "due_at", "lease_until", "error")
        assert await rows(database, *columns) == [
            ("waiting", 1, NOW + SECOND, None, "because waiting"),
            ("dead", 1, NOW + SECOND, None, "because dead"),
            ("sending", 1, NOW + SECOND, NOW + SECOND, "because sending"),
            ("unknown", 1, NOW + SECOND, None, "because unknown"),
        ]
        tokens = await rows(database, "lease_token")
        assert tokens[2][0] not in (None, claimed[2].lease_token)  # nobody's, until somebody asks
        async with database.transaction() as connection:
            await pass_gate(connection, 1)
            assert await jobs.complete(connection, 1, claimed) == set()


async def test_the_error_on_the_desk_holds_no_secret(database: Database) -> None:
    await add(database, NewJob("a", 1))
    (claimed,) = await claim(database)
    verdict = jobs.judge(claimed, GiveUp("card SEM5369HTNGCRXBH for 13812345678"), attempts_max=1)
    async with database.transaction() as connection:
        await pass_gate(connection, 1)
        await jobs.fail(connection, 1, [verdict])
        assert [x.error for x in await jobs.desk(connection, 1)] == ["GiveUp: card *** for ***"]


# the desk --------------------------------------------------------------------------------------------------


async def fill_desk(database: Database) -> list[int]:
    """Two dead jobs, an unknown one, and a waiting one."""
    ids = await add(database, *(NewJob("a", n, {"n": n}) for n in range(4)))
    states: list[jobs.State] = ["dead", "dead", "unknown"]
    claimed = sorted(await claim(database, limit=3), key=lambda j: j.job_id)
    async with database.transaction() as connection:
        await pass_gate(connection, 1)
        verdicts = [jobs.Verdict(j, s, NOW, "why") for j, s in zip(claimed, states, strict=True)]
        await jobs.fail(connection, 1, verdicts)
    return ids


async def test_the_desk_lists_what_waits_for_a_person(database: Database, connection: Connection) -> None:
    with clock.hold(NOW_MS):
        ids = await fill_desk(database)
        assert await claim(database) != []  # the waiting one
        assert await claim(database) == []
    states: list[jobs.State] = ["dead", "dead", "unknown"]
    expected = [
        jobs.DeskJob(1, ids[n], "a", n, {"n": n}, 1, state, "why", NOW) for n, state in enumerate(states)
    ]
    assert await jobs.desk(connection, 1) == expected
    assert await jobs.desk(connection, 1, limit=1) == expected[:1]
    assert await jobs.desk(connection, 1, after_id=ids[0]) == expected[1:]
    assert await jobs.desk(connection, 0) == []


async def test_retry_takes_unknown_ones_only_when_told(database: Database, connection: Connection) -> None:
    with clock.hold(NOW_MS):
        ids = await fill_desk(database)
        assert await jobs.retry(connection, 1, ids) == ids[:2]
        assert [x.job_id for x in await jobs.desk(connection, 1)] == [ids[2]]
        assert await jobs.retry(connection, 1, ids, even_unknown=True) == [ids[2]]
        assert await jobs.desk(connection, 1) == []
        assert await rows(database, "state", "attempts", "due_at", "error") == [("waiting", 0, NOW, None)] * 4


async def test_discard_takes_from_the_desk_only(database: Database, connection: Connection) -> None:
    ids = await fill_desk(database)
    assert await jobs.discard(connection, 1, ids[1:]) == ids[1:3]
    assert await rows(database, "job_id", "state") == [(ids[0], "dead"), (ids[3], "waiting")]
    assert await jobs.discard(connection, 0, ids) == []
