"""The state machine as a table: every step leads somewhere, every state can end."""

from __future__ import annotations

import ast
import inspect
import re
from importlib import resources

import pytest

from kameng.kit import sql
from kameng.orders import FINAL, TRANSITIONS, Command, PartState, State, deciding
from kameng.orders.model import (
    PLACED_DELIVERED,
    PLACED_FULFILLING,
    SECRETS_VISIBLE,
    IllegalStep,
    step,
)  # fmt: skip

OF_PARTS = {Command.deliver_part, Command.fail_part}
"""Of bundles; they leave the order where it is."""


def reachable(start: State, *, without: Command | None = None) -> set[State]:
    found, new = {start}, {start}
    while new:
        new = {after for (before, c), after in TRANSITIONS.items() if before in new and c is not without} - found
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
    ways = {(Command.settle, State.settled), (Command.refund, State.refunded)}
    for (before, command), after in TRANSITIONS.items():
        if before in FINAL - {State.expired} and before is not after:
            assert (command, after) in ways
    assert not [before for before, _ in TRANSITIONS if before in {State.cancelled, State.refunded}]


def test_what_expired_may_still_be_paid() -> None:
    """Money that comes late finds goods, or goes back."""
    assert {key: after for key, after in TRANSITIONS.items() if key[0] is State.expired} == {
        (State.expired, Command.pay): State.paid
    }


def test_what_changes_no_state_needs_goods_that_are_there() -> None:
    loops = {key for key, after in TRANSITIONS.items() if key[0] is after}
    assert {state for state, command in loops if command not in OF_PARTS | {Command.overdue}} == SECRETS_VISIBLE
    told = {state for state, command in loops if command is Command.overdue}
    assert told == {State.fulfilling, State.cancelling}  # it is told of what is not there yet


def test_parts_end_while_their_order_is_under_way() -> None:
    """And wherever they do, the order may end delivered, delivered in part or failed."""
    under_way = {State.fulfilling, State.review, State.cancelling}
    assert {before for before, command in TRANSITIONS if command in OF_PARTS} == under_way
    for state in under_way:
        for command in (Command.deliver, Command.deliver_partly, Command.fail):
            assert (state, command) in TRANSITIONS


def test_nothing_unpaid_unknown_or_paid_back_shows_secrets() -> None:
    assert {State.delivered, State.partly_delivered, State.settled} == SECRETS_VISIBLE


def test_what_may_be_doubted_is_not_resolved_by_itself() -> None:
    """Only a person's commands lead out of review: none of them sends again or pays back at once."""
    ways = {command for before, command in TRANSITIONS if before is State.review}
    assert ways == {Command.deliver, Command.deliver_partly, Command.fail, Command.fulfil} | OF_PARTS


@pytest.mark.parametrize("state", State)
def test_a_step_is_taken_by_the_table_or_not_at_all(state: State) -> None:
    for command in Command:
        after = TRANSITIONS.get((state, command))
        if after is None:
            with pytest.raises(IllegalStep, match=rf"(?s)that is {state} .*`{command}`.*状态为 {state} 的订单"):
                step(state, command)
        else:
            assert step(state, command) is after


def test_orders_begin_where_the_table_leads() -> None:
    """What ``decide`` puts on an order is looked up in the table, so a wrong row shows in the orders themselves."""
    begun = (PLACED_DELIVERED, PLACED_FULFILLING)
    assert begun == (State.delivered, State.fulfilling)
    used = {node.id for node in ast.walk(ast.parse(inspect.getsource(deciding))) if isinstance(node, ast.Name)}
    assert {"PLACED_DELIVERED", "PLACED_FULFILLING"} <= used
    assert "State" not in used


BEFORE_PAYMENT = reachable(State.awaiting_payment, without=Command.pay)
PAID = set(State) - BEFORE_PAYMENT
"""In these the buyer's money came in."""
LAWS = {
    "no_order_rests": ("NOT IN", FINAL),
    "orders_have_one_sale": ("NOT IN", BEFORE_PAYMENT),
    "escrow_holds_the_undelivered": ("IN", PAID - FINAL - {State.partly_delivered}),
    "passwords_are_wiped": ("IN", FINAL),
    "orders_have_their_cards": ("IN", reachable(State.delivered) - {State.refunded}),
    "answers_are_delivered": ("IN", reachable(State.delivered) | {State.partly_delivered}),
    "margins_follow_their_split": ("IN", reachable(State.delivered) | {State.partly_delivered}),
}
"""The audit's statements that name states, and which they must be by the table."""


@pytest.mark.parametrize("law", LAWS)
def test_the_audit_names_the_states_of_the_table(law: str) -> None:
    (found,) = re.findall(r"\bo(?:rders)?\.state (NOT IN|IN) \(([^)]*)\)", _audit()[law])
    operator, states = LAWS[law]
    assert (found[0], set(re.findall(r"'(\w+)'", found[1]))) == (operator, states)


def test_the_audit_knows_whose_turn_it_is_in_every_state_that_is_not_final() -> None:
    (ways,) = re.findall(r"WITH way \(state, context\) AS \(\s*VALUES (.*?)\n\)", _audit()["no_order_rests"], re.DOTALL)
    assert set(re.findall(r"\('(\w+)', '\w+'\)", ways)) == set(State) - FINAL


ONE_STATE = {
    "terms_have_their_job", "reserved_cards_are_awaited", "refunds_went_back", "manual_orders_have_their_task",
    "parts_are_waited_for",
}  # fmt: skip
"""Laws about the one state that their name says."""


def test_no_other_law_of_the_audit_lists_states() -> None:
    found = {name for name, text in _audit().items() if re.search(r"\bo(rders)?\.state\b", text)}
    assert found == {*LAWS, *ONE_STATE, "parts_follow_their_order"}


def test_the_audit_knows_which_states_of_parts_go_with_every_state() -> None:
    (goes,) = re.findall(r"WITH goes \(.*?\) AS \(\s*VALUES (.*?)\n\)", _audit()["parts_follow_their_order"], re.DOTALL)
    pairs = re.findall(r"\('(\w+)', '(\w+)', (true|false)\)", goes)
    assert {state for state, _, _ in pairs} == set(State)
    assert {part for _, part, _ in pairs} == set(PartState)
    assert sorted(state for state, _, is_needed in pairs if is_needed == "true") == sorted(State)


def test_the_table_holds_every_state_and_no_other() -> None:
    schema = resources.files("kameng.schema").joinpath("0008_orders.sql").read_text("utf-8")
    (listed,) = re.findall(r"CHECK \(state IN \(([^)]*)\)", schema)
    assert set(re.findall(r"'(\w+)'", listed)) == set(State)


def _audit() -> dict[str, str]:
    text = resources.files("kameng.ops").joinpath("audit.sql").read_text("utf-8")
    return sql.parse("audit.sql", text).texts
