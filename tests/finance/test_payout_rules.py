"""What a provider's answer makes of a payout: unknown is not failed, and a refusal is doubted while a call is lost."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import pytest

from kameng import channels, finance
from kameng.channels import Outcome, PaidOut
from kameng.finance import Payout, PayoutState
from kameng.kit import clock

AT = datetime(2026, 11, 23, 12, tzinfo=clock.CHINA)
ONE = Payout(
    4711, 9, "alipay", 1, None, 980_000, 20_000, "CNY", PayoutState.requested, 0, "", "", None, 71, AT
)  # fmt: skip
SAID = channels.PayoutState


def after(
    one: Payout, outcome: Outcome, state: SAID = SAID.unknown, *, was_sent: bool = True, **more: object
) -> Payout:
    answer = PaidOut(outcome=outcome, state=state, **more)  # type: ignore[arg-type]
    return finance.after_answer(one, answer, AT, was_sent=was_sent)


@pytest.mark.parametrize(
    ("outcome", "said", "becomes"),
    [
        (Outcome.done, SAID.done, "done"), (Outcome.done, SAID.processing, "sent"),
        (Outcome.done, SAID.failed, "failed"),
        (Outcome.done, SAID.unknown, "unknown"), (Outcome.unknown, SAID.unknown, "unknown"),
        (Outcome.declined_user, SAID.unknown, "failed"), (Outcome.refused_config, SAID.unknown, "requested"),
        (Outcome.refused_channel, SAID.unknown, "requested"), (Outcome.rate_limited, SAID.unknown, "requested"),
    ],
)  # fmt: skip
def test_what_is_said_to_a_call(outcome: Outcome, said: SAID, becomes: str) -> None:
    found = after(ONE, outcome, said)
    assert (found.state, found.tries) == (becomes, 1)
    assert (found.ended_at is not None) == (becomes in ("done", "failed"))
    assert (found.unanswered_at is not None) == (becomes == "unknown")


@pytest.mark.parametrize("stands", [PayoutState.sent, PayoutState.unknown])
@pytest.mark.parametrize(
    ("outcome", "said", "becomes"),
    [
        (Outcome.done, SAID.done, "done"), (Outcome.done, SAID.absent, "requested"),
        (Outcome.done, SAID.failed, "failed"),
        (Outcome.unknown, SAID.unknown, ""), (Outcome.refused_config, SAID.unknown, ""),
        (Outcome.declined_user, SAID.unknown, ""), (Outcome.rate_limited, SAID.unknown, ""),
    ],
)  # fmt: skip
def test_what_is_said_to_a_question(stands: PayoutState, outcome: Outcome, said: SAID, becomes: str) -> None:
    one = msgspec.structs.replace(ONE, state=stands)
    assert after(one, outcome, said, was_sent=False).state == (becomes or stands)


@pytest.mark.parametrize(("minutes", "becomes"), [(0, "unknown"), (9, "unknown"), (10, "failed"), (60, "failed")])
def test_a_refusal_is_not_believed_while_a_lost_call_may_still_be_done(minutes: int, becomes: str) -> None:
    one = msgspec.structs.replace(ONE, unanswered_at=AT - timedelta(minutes=minutes))
    assert after(one, Outcome.declined_user).state == becomes


def test_another_amount_is_a_persons_matter() -> None:
    assert after(ONE, Outcome.done, SAID.done, amount_minor=9800).state == "done"
    assert after(ONE, Outcome.done, SAID.done, amount_minor=9801).state == "abnormal"


def test_what_nobody_finds_out_is_a_persons_matter_in_the_end() -> None:
    sent = msgspec.structs.replace(ONE, state=PayoutState.sent, tries=58)
    assert after(sent, Outcome.unknown, was_sent=False).state == "sent"
    assert after(msgspec.structs.replace(sent, tries=59), Outcome.unknown, was_sent=False).state == "abnormal"
    assert after(msgspec.structs.replace(ONE, tries=13), Outcome.rate_limited).state == "requested"
    assert after(msgspec.structs.replace(ONE, tries=14), Outcome.rate_limited).state == "abnormal"
    assert after(msgspec.structs.replace(ONE, tries=14), Outcome.declined_user).state == "failed"
