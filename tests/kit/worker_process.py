"""A worker in a process of its own, for tests that kill it: ``python worker_process.py URL LANE``.

Its handlers print what they do, a line each, and hang in the middle where the kind says so.
"""

from __future__ import annotations

import asyncio
import sys

from kameng.kit import db
from kameng.kit.db import Connection
from kameng.kit.jobs import Inside, Job, Outside
from kameng.kit.lanes import Passage
from kameng.kit.working import Limits, Worker


def say(word: str, job: Job) -> None:
    print(word, job.subject_id, flush=True)


async def write(connection: Connection, passage: Passage, batch: list[Job]) -> None:
    await connection.execute(
        "INSERT INTO done SELECT unnest($1::bigint[])", [job.subject_id for job in batch]
    )
    for job in batch:
        say("wrote", job)


async def write_and_hang(connection: Connection, passage: Passage, batch: list[Job]) -> None:
    await write(connection, passage, batch)
    await asyncio.sleep(3600)


async def call(job: Job) -> None:
    say("called", job)


async def call_and_hang(job: Job) -> None:
    say("called", job)
    await asyncio.sleep(3600)


async def main(url: str, lane: int) -> None:
    worker = Worker(
        await db.open_database(url, size=2),
        [Inside("write", write), Inside("write-and-hang", write_and_hang), Outside("call", call),
         Outside("call-and-hang", call_and_hang, timeout_s=3600)],
        lanes=[lane], limits=Limits(batch=7),
    )  # fmt: skip
    print("ready", 0, flush=True)
    await worker.run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
