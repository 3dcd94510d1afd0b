"""Messages to people over true protocols: what arrives, what is tried again, what goes to a person."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from desk import LOOPBACK
from standins import stand_in

from kameng import notices
from kameng.kit import jobs
from kameng.kit.jobs import DeskJob
from kameng.kit.working import Worker
from kameng.notices import Address, BadMessage, Channels, MailSettings, Sender, SmsSettings, TooManyMessages
from kameng.ops import tls
from laws.world import World

NO_MAIL = MailSettings("", 25, "off", "", "", "")
NO_SMS = SmsSettings("", "", "", "")
PHONE = "13800138000"


class Office:
    """A worker of notices, and somebody to write to."""

    def __init__(self, world: World, worker: Worker, org_id: int, lane: int) -> None:
        self._world, self._worker, self._org_id, self._lane = world, worker, org_id, lane

    async def tell(self, channel: str, to: str, secret: str = "") -> int:
        message_id = await notices.tell_now(
            self._world.db, self._world.ring, self._org_id, channel=channel, address=Address(to, secret),
            template="test", facts={"sender": "卡盟"},
        )  # fmt: skip
        await self.work()
        return message_id

    async def work(self) -> None:
        await self._worker.work_once()

    async def hurry(self) -> None:
        """What waits or is to be asked about is due now."""
        await self._world.execute(
            "UPDATE job SET due_at = now() - interval '1 s', lease_until = lease_until - interval '1 day'"
        )
        await self.work()

    async def jobs(self) -> list[tuple[str, int]]:
        return [(row["state"], row["attempts"]) for row in await self._world.rows("SELECT state, attempts FROM job")]

    async def desk(self) -> list[DeskJob]:
        async with self._world.db.connection() as connection:
            return await jobs.desk(connection, self._lane)

    async def sent(self, message_id: int) -> tuple[str, str]:
        row = (await self._world.rows("SELECT state, receipt FROM message WHERE message_id = $1", message_id))[0]
        return row["state"], row["receipt"]


@asynccontextmanager
async def office(world: World, mail: MailSettings = NO_MAIL, sms: SmsSettings = NO_SMS) -> AsyncIterator[Office]:
    merchant = await world.merchant()
    async with Sender(LOOPBACK, timeout_s=1.0) as sender:
        handlers = notices.handlers(world.db, world.ring, Channels(sender, mail=mail, sms=sms), LOOPBACK)
        yield Office(world, Worker(world.db, handlers, lanes=world.lanes), merchant.org_id, merchant.lane)


async def test_mail_over_starttls_with_a_sign_in(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = tls.ensure_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    arguments = ["--user", "kameng", "--password", "h", "--certificate", str(certificate), "--key", str(key)]
    async with stand_in("mail", *arguments) as post:
        mail = MailSettings("localhost", post.port, "starttls", "kameng", "h", "no-reply@kameng.example")
        async with office(world, mail) as some:
            message_id = await some.tell("mail", "buyer@shop.example")
            assert await some.sent(message_id) == ("sent", "queued as 1")
        (seen,) = await post.seen()
        assert (seen["from"], seen["to"], seen["tls"]) == ("no-reply@kameng.example", "buyer@shop.example", True)
        assert seen["id"] == f"<kameng-{message_id}@kameng.example>"
        assert seen["subject"] == "卡盟测试消息 Kameng test message"
        assert seen["body"].splitlines()[0] == "这是一条测试消息，由 卡盟 发出。收到即表示该渠道可用。"
        assert seen["body"].splitlines()[2] == "A test message from 卡盟. If you read it, this channel works."
        wrong = MailSettings("localhost", post.port, "starttls", "kameng", "x", "no-reply@kameng.example")
        async with office(world, wrong) as some:
            await some.tell("mail", "other@shop.example")
            assert await some.jobs() == [("waiting", 1)]


async def test_mail_that_is_put_off_refused_or_lost(world: World) -> None:
    async with stand_in("mail") as post:
        async with office(world, MailSettings("127.0.0.1", post.port, "off", "", "", "k@kameng.example")) as some:
            await post.mode("later")
            first = await some.tell("mail", "a@shop.example")
            assert await some.jobs() == [("waiting", 1)]
            await post.mode("ok")
            await some.hurry()
            assert (await some.sent(first))[0] == "sent"
            await post.mode("never")
            await some.tell("mail", "b@shop.example")
            await post.mode("silent")
            await some.tell("mail", "c@shop.example")
            assert [(job.state, job.attempts) for job in await some.desk()] == [("dead", 1), ("unknown", 1)]
            assert "shop.example" not in str(await some.desk())
        assert [x["to"] for x in await post.seen()] == ["a@shop.example", "c@shop.example"]


async def test_an_sms_whose_answer_was_lost_is_asked_about_and_not_sent_again(world: World) -> None:
    async with stand_in("sms", "--key-id", "kid", "--key-secret", "s") as gateway:
        sms = SmsSettings(gateway.url, "kid", "s", "卡盟")
        async with office(world, sms=sms) as some:
            first = await some.tell("sms", PHONE)
            assert await some.sent(first) == ("sent", "biz-1")
            await gateway.mode("error")
            second = await some.tell("sms", "13900139000")
            assert await some.jobs() == [("sending", 1)]  # nobody knows
            await gateway.mode("ok")
            await some.hurry()  # it is not there, and may still come
            assert await some.jobs() == [("sending", 2)]
            await world.execute("UPDATE message SET created_at = created_at - interval '1 hour'")
            await some.hurry()
            assert await some.jobs() == [("waiting", 3)]
            await some.hurry()
            assert await some.sent(second) == ("sent", "biz-2")
            await gateway.mode("illegal")
            await some.tell("sms", "12345")
            assert [job.state for job in await some.desk()] == ["dead"]
        seen = await gateway.seen()
    assert [(x["PhoneNumbers"], x["OutId"]) for x in seen] == [(PHONE, str(first)), ("13900139000", str(second))]
    assert (seen[0]["SignName"], seen[0]["TemplateCode"], seen[0]["TemplateParam"]) == (
        "卡盟", "SMS_KAMENG_TEST", '{"sender":"卡盟"}',
    )  # fmt: skip


async def test_a_wrong_signature_is_refused_for_good(world: World) -> None:
    async with (
        stand_in("sms", "--key-id", "kid", "--key-secret", "s") as gateway,
        office(world, sms=SmsSettings(gateway.url, "kid", "other", "卡盟")) as some,
    ):
        await some.tell("sms", PHONE)
        (job,) = await some.desk()
    assert (job.state, job.error) == ("dead", "GiveUp: the SMS gateway refused it: SignatureDoesNotMatch")


@pytest.mark.parametrize(
    ("robot", "path", "said"),
    [
        ("wecom", "/cgi-bin/webhook/send?key=k1", ["markdown", "content"]),
        ("dingtalk", "/robot/send?access_token=k1", ["markdown", "text"]),
        ("feishu", "/open-apis/bot/v2/hook/k1", ["content", "text"]),
    ],
)
async def test_robots(world: World, robot: str, path: str, said: list[str], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with stand_in("robots", "--key", "k1", "--secret", "s1") as robots:
        async with office(world) as some:
            message_id = await some.tell(robot, f"{robots.url}{path}", "s1")
            assert await some.sent(message_id) == ("sent", "ok")
            await robots.mode("often")
            await some.tell(robot, f"{robots.url}{path}", "s1")
            assert await some.jobs() == [("waiting", 1)]
            await robots.mode("ok")
            wrong = "k1" if robot != "wecom" else "other"
            await some.tell(robot, f"{robots.url}{path}".replace("k1", wrong), "wrong")
            assert [job.state for job in await some.desk()] == ["dead"]
        first: Any = (await robots.seen())[0]
    assert first["robot"] == robot
    assert "这是一条测试消息，由 卡盟 发出" in first[said[0]][said[1]]
    assert "k1" not in caplog.text
    assert "access_token" not in caplog.text


async def test_nobody_is_flooded(world: World) -> None:
    merchant = await world.merchant()

    async def tell(to: str) -> None:
        await notices.tell_now(
            world.db, world.ring, merchant.org_id, channel="sms", address=Address(to), template="test",
            facts={"sender": "x"},
        )  # fmt: skip

    await tell(PHONE)
    with pytest.raises(TooManyMessages):
        await tell(PHONE)
    await tell("13900139000")
    assert await world.scalar("SELECT count(*) FROM message") == 2
    assert await world.scalar("SELECT count(*) FROM job") == 2


@pytest.mark.parametrize(
    ("channel", "template", "facts", "field"),
    [
        ("pigeon", "test", {"sender": "x"}, "channel"), ("mail", "none", {}, "template"),
        ("mail", "test", {}, "facts"), ("mail", "test", {"sender": "x\r\nBcc: y"}, "facts"),
    ],
)  # fmt: skip
async def test_messages_that_are_none(
    world: World, channel: str, template: str, facts: dict[str, str], field: str
) -> None:
    merchant = await world.merchant()
    with pytest.raises(BadMessage) as refused:
        await notices.tell_now(
            world.db, world.ring, merchant.org_id, channel=channel, address=Address("a@b.example"), template=template,
            facts=facts,
        )  # fmt: skip
    assert refused.value.field == field
    assert await world.scalar("SELECT count(*) FROM message") == 0


async def test_addresses_and_secrets_are_sealed_and_sealed_anew(world: World) -> None:
    merchant = await world.merchant()
    made = await notices.create_endpoint(
        world.db, world.ring, merchant.org_id, url="https://shop.example/", policy=LOOPBACK
    )
    await notices.tell_now(
        world.db, world.ring, merchant.org_id, channel="sms", address=Address(PHONE), template="test",
        facts={"sender": "x"},
    )  # fmt: skip
    for table in ("message", "webhook_endpoint", "webhook_secret", "audit_line", "job"):
        rows = str([dict(row) for row in await world.rows(f"SELECT * FROM {table}")])
        assert PHONE not in rows
        assert made.secret not in rows
        assert made.secret[6:] not in rows
    assert made.secret not in repr(made)
    assert await notices.reseal(world.db, world.ring, merchant.lane) == 0


@pytest.mark.parametrize("channel", ["mail", "sms"])
async def test_what_a_template_hides_is_sealed_until_it_is_sent(world: World, channel: str) -> None:
    merchant = await world.merchant()
    arguments = ["--key-id", "kid", "--key-secret", "s"] if channel == "sms" else []
    async with stand_in(channel, *arguments) as far:
        mail = MailSettings("127.0.0.1", far.port, "off", "", "", "k@kameng.example") if channel == "mail" else NO_MAIL
        sms = SmsSettings(far.url, "kid", "s", "卡盟") if channel == "sms" else NO_SMS
        async with office(world, mail, sms) as some:
            await notices.tell_now(
                world.db, world.ring, merchant.org_id, channel=channel,
                address=Address("wang@example.com" if channel == "mail" else PHONE), template="sign_in_code",
                facts={"shop": "卡盟", "minutes": "10"}, language="zh", hidden="482915",
            )  # fmt: skip
            await some.work()
        (seen,) = await far.seen()
    if channel == "mail":
        assert seen["body"].strip() == (
            "【卡盟】验证码 482915，10 分钟内有效。工作人员不会向您索要验证码，请勿告诉他人。"
        )
    else:
        assert json.loads(seen["TemplateParam"]) == {"shop": "卡盟", "minutes": "10", "code": "482915"}
    for table in ("message", "job", "audit_line", "event"):
        assert "482915" not in str([dict(row) for row in await world.rows(f"SELECT * FROM {table}")])
