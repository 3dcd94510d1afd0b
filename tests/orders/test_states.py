"""The state machine as a table: every step leads somewhere, every state can end."""

from __future__ import annotations

from kameng.orders import FINAL, TRANSITIONS, Command, State
from kameng.orders.model import SECRETS_VISIBLE


def reachable(start: State) -> set[State]:
    found, new = {start}, {start}
    while new:
        new = {after for (before, _), after in TRANSITIONS.items() if before in new} - found
        found |= new
    return found


def test_every_state_is_reached_by_a_new_order() -> None:
    begins = {State.awaiting_payment, State.paid, State.delivered, State.fulfilling}
    assert set().union(*(reachable(state) for state in begins)) == set(State)


def test_every_state_can_end() -> None:
    for state in State:
        assert reachable(state) & FINAL, state


def test_every_command_does_something() -> None:
    assert {command for _, command in TRANSITIONS} == set(Command)


def test_an_end_without_money_back_shows_no_way_on() -> None:
    """Out of what is over nothing comes but a settlement or money back."""
    for (before, command), after in TRANSITIONS.items():
        if before in FINAL:
            assert (command, after) in {(Command.settle, State.settled), (Command.refund, State.refunded)}
    assert not [before for before, _ in TRANSITIONS if before in {State.expired, State.cancelled, State.refunded}]


def test_nothing_unpaid_unknown_or_paid_back_shows_secrets() -> None:
    assert {State.delivered, State.partly_delivered, State.settled} == SECRETS_VISIBLE


def test_what_may_be_doubted_is_not_resolved_by_itself() -> None:
    """Only a person's commands lead out of review: none of them sends again or pays back at once."""
    ways = {command for before, command in TRANSITIONS if before is State.review}
    assert ways == {Command.deliver, Command.fail, Command.fulfil}
