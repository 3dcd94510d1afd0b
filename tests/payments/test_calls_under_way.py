"""What routers of several processes tell each other of calls that have no answer yet."""

from __future__ import annotations

from kameng.kit import clock
from kameng.payments import Router
from kameng.routing import Choice, Request
from payments.counter import Counter


def begin(router: Router, payment_id: int) -> None:
    request = Request(payment_id=payment_id, method="wechat", scene="qr", amount_minor=100)
    router.began(payment_id, Choice(channel_id=1, way="only", considered=()), request)


async def test_a_call_under_way_is_told_of_with_its_answer_or_once_it_hangs(counter: Counter) -> None:
    """Told of before, it hung for whoever heard of its answer a second later, and good channels were left."""
    db, first, second = counter.world.db, Router(), Router()
    routers = (first, second)
    for router in routers:
        await router.share(db)
    begin(first, 1)
    begin(first, 2)
    first.ended(2, "accepted")
    for router in routers:
        await router.share(db)
    assert second.learner.state.flights.keys() == {2}
    first.ended(1, "accepted")
    for router in routers:
        await router.share(db)
    assert second.learner.state.flights.keys() == {1, 2}
    begin(first, 3)
    now_ms = clock.now_ms()
    assert first._take_told(now_ms) == []
    (hanging,) = first._take_told(now_ms + first.learner.parameters.hang_ms)
    assert (hanging.what, hanging.payment_id) == ("began", 3)
