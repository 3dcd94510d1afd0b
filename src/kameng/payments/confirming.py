"""A person's word that a payment came, or its provider's word asked for now: the same handler takes both."""

from __future__ import annotations

from kameng import channels
from kameng.kit import audit, clock, ids, lanes
from kameng.payments import looking, store
from kameng.payments.cashier import Cashier
from kameng.payments.errors import BadPayment, NoSuchPayment
from kameng.payments.model import Fact, Payment, Refund, Told
from kameng.payments.store import Heard

REASON_CHARS_MAX = 500


async def confirm_payment(
    cashier: Cashier, payment_id: int, *, amount_e4: int, provider_no: str, reason: str, actor_id: int
) -> str:
    """Staff saw it at the provider; returns what came of it."""
    if not (reason.strip() and len(reason) <= REASON_CHARS_MAX and reason.isprintable()):
        raise BadPayment("reason: is needed", field="reason", detail_zh="原因：必填")
    if not provider_no.strip():
        raise BadPayment("provider_no: is needed", field="provider_no", detail_zh="渠道流水号：必填")
    if amount_e4 <= 0:
        raise BadPayment("amount: above zero", field="amount", detail_zh="金额：应大于 0")
    payment = await find_payment(cashier, payment_id)
    fact = Fact(
        payment_id=payment_id, channel_id=payment.channel_id, state=channels.State.paid, amount_e4=amount_e4,
        currency=payment.currency, provider_no=provider_no, actor_id=actor_id, reason=reason,
    )  # fmt: skip
    return await cashier.notices.submit(ids.lane_of(payment_id), Told(channel_id=payment.channel_id, fact=fact))


async def query_now(cashier: Cashier, payment_id: int, *, actor_id: int = 0) -> Payment:
    """Ask its provider at once, as the payer who says that he paid; how it stands then. Staff's asking is noted."""
    payment = await find_payment(cashier, payment_id)
    if payment.is_open:
        lane = ids.lane_of(payment_id)
        await looking.look(cashier, lane, payment_id)
        payment = await find_payment(cashier, payment_id)
        if actor_id:
            async with cashier.db.transaction() as connection:
                passage = await lanes.pass_gate(connection, lane, id_count=1)
                told = {"state": payment.state.value}
                line = audit.Line(passage.ids[0], payment.org_id, actor_id, "payment.ask", payment_id, told)
                await audit.note(connection, lane, clock.now(), [line])
    return payment


async def find_payment(cashier: Cashier, payment_id: int) -> Payment:
    lane = ids.lane_of(payment_id)
    if lane in await cashier.lane_numbers():
        async with cashier.db.connection() as connection:
            found = (await store.read_payments(connection, lane, [payment_id])).get(payment_id)
        if found is not None:
            return found
    raise NoSuchPayment


async def history(cashier: Cashier, payment_id: int) -> tuple[Payment, list[Heard], list[Refund]]:
    """A payment with what was told of it and what goes back of it."""
    payment = await find_payment(cashier, payment_id)
    lane = ids.lane_of(payment_id)
    async with cashier.db.connection() as connection:
        refunds = await store.refunds_of(connection, lane, [payment_id])
        heard = await store.notices_of(connection, lane, payment_id, [one.refund_id for one in refunds])
    return payment, heard, refunds
