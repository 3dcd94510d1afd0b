"""自收款通道: accounts at providers that belong to agents who collect themselves. Their shops' orders are paid by them.

That money never is the platform's: an order takes it only with as much out of its agent's wallet, in the same
transaction, so nobody is owed anything by what an agent's provider says. Fees are the agent's own matter. What the
wallet does not cover goes back to its origin by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kameng import ledger
from kameng.identity import Organisation
from kameng.kit import audit, clock, crypto, ids, lanes
from kameng.kit.db import Connection, Database
from kameng.ledger import CHANNEL, Leg
from kameng.payments import keeping, store
from kameng.payments.deciding import Plan, View
from kameng.payments.errors import BadChannel, NoSuchChannel, NotCollecting
from kameng.payments.model import ChannelAccount, RefundState, TakenAs

ONLY, FIRST = "only", "first"
OWN_RULES = (ONLY, FIRST)
"""The shop takes its own channels only, or first and the platform's after them."""
PLATFORM = 0


def owners(own: Mapping[int, str], agent_id: int) -> tuple[int, ...]:
    """Whose channels may take a payment of this agent's customers, in order."""
    rule = own.get(agent_id)
    if rule is None:
        return (PLATFORM,)
    return (agent_id,) if rule == ONLY else (agent_id, PLATFORM)


async def funds_of(connection: Connection, lane: int, org_ids: Iterable[int]) -> dict[int, int]:
    """What the wallets of agents in this lane have; one that is closed or elsewhere has nothing."""
    here = sorted({one for one in org_ids if one != PLATFORM and ids.lane_of(one) == lane})
    wallets = await ledger.read_accounts(connection, lane, here) if here else []
    return {one.account_id: 0 if one.closed else one.available_e4 for one in wallets}


async def collect(connection: Connection, lane: int, view: View, payment_id: int) -> None:
    """An order took what its agent's channel brought: as much leaves the agent's wallet."""
    payment = view.payments[payment_id]
    agent_id = view.accounts[payment.channel_id].org_id
    if agent_id == PLATFORM:
        return
    assert payment.paid_e4 is not None
    account_id = await _account_of(connection, lane, payment.channel_id, payment.currency)
    leg = Leg(f"collected:{payment_id}", agent_id, account_id, payment.paid_e4, "collected", payment_id)
    await _post(connection, lane, [leg])


async def give_back(connection: Connection, lane: int, view: View, plan: Plan) -> None:
    """What went back to its origin through agents' channels is their wallets' again, if they had paid for it."""
    legs = []
    for refund_id in plan.refunds:
        refund = view.refunds[refund_id]
        agent_id = view.accounts[refund.channel_id].org_id
        if agent_id == PLATFORM or refund.state is not RefundState.done:
            continue  # also a difference's, which is of no payment of ours
        if view.payments[refund.payment_id].taken_as is TakenAs.order:
            account_id = await _account_of(connection, lane, refund.channel_id, refund.currency)
            key = f"collected_back:{refund_id}"
            legs.append(Leg(key, account_id, agent_id, refund.amount_e4, "collected_back", refund_id))
    for leg in legs:
        await _post(connection, lane, [leg])


async def _account_of(connection: Connection, lane: int, channel_id: int, currency: str) -> int:
    opened = await ledger.open_channel_accounts(connection, lane, [(channel_id, currency)])
    return opened[channel_id, CHANNEL].account_id


async def _post(connection: Connection, lane: int, legs: Sequence[Leg]) -> None:
    passage = await lanes.pass_gate(connection, lane, id_count=len(legs))
    ledger.standing(await ledger.post_chain(connection, lane, legs, passage.ids))


# keeping -----------------------------------------------------------------------------------------------------


async def own_channels(db: Database, agent: Organisation) -> list[ChannelAccount]:
    """An agent's own accounts, by number."""
    return [one for one in await keeping.list_channels(db) if one.org_id == agent.org_id]


async def own_channel(db: Database, agent: Organisation, channel_id: int) -> ChannelAccount:
    """``NoSuchChannel`` for everybody else's."""
    found = await keeping.find_channel(db, channel_id)
    if found.org_id != agent.org_id:
        raise NoSuchChannel(field="channel")
    return found


def check_collects(agent: Organisation) -> None:
    """Only an agent that collects itself, in yuan, has channels of its own."""
    if agent.kind != "agent" or not agent.self_collected or agent.currency != "CNY":
        raise NotCollecting


async def add_own_channel(
    db: Database, ring: crypto.KeyRing, agent: Organisation, *, protocol: str, name: str,
    credentials: Mapping[str, str], account_no: str = "", actor_id: int, **more: Any,
) -> int:  # fmt: skip
    """A new account of the agent's, switched off; as ``add_channel``."""
    check_collects(agent)
    return await keeping.add_channel(
        db, ring, protocol=protocol, name=name, credentials=credentials, account_no=account_no, org_id=agent.org_id,
        actor_id=actor_id, **more,
    )  # fmt: skip


async def own_rule_of(db: Database, agent: Organisation) -> str:
    async with db.connection() as connection:
        return await store.channel_rule(connection, agent.org_id) or ONLY


async def set_own_rule(db: Database, agent: Organisation, rule: str, *, actor_id: int) -> None:
    """Whether the agent's shop takes its own channels only, or the platform's after them."""
    check_collects(agent)
    if rule not in OWN_RULES:
        raise BadChannel(f"rule: one of {', '.join(OWN_RULES)}", field="rule", detail_zh="收款方式：填写有误")
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, agent.lane, id_count=1)
        await store.set_channel_rule(connection, agent.org_id, rule, clock.now(), actor_id)
        line = audit.Line(passage.ids[0], agent.org_id, actor_id, "channel.rule", agent.org_id, {"rule": rule})
        await audit.note(connection, agent.lane, clock.now(), [line])
