"""What a page may offer: by what is known of the payer the same rules hold as when he begins to pay."""

from __future__ import annotations

import pytest

from kameng import payments
from kameng.channels import Method, Scene
from kameng.payments import NoChannel, Payer
from kameng.routing import Rule, When
from payments.counter import CARD_E4, Counter

WAYS = {(Method.wechat, Scene.qr), (Method.alipay, Scene.qr), (Method.alipay, Scene.code)}
RULES = (
    Rule(name="no wechat in Zhejiang", act="refuse", channels=(1,), when=When(methods=("wechat",), regions=("浙江",))),
    Rule(name="no alipay on phones", act="refuse", channels=(1,), when=When(methods=("alipay",), devices=("phone",))),
    Rule(name="Japan is the other's", act="only", channels=(2,), when=When(regions=("日本",))),
)
NO_WECHAT, NO_ALIPAY = WAYS - {(Method.wechat, Scene.qr)}, {(Method.wechat, Scene.qr)}


@pytest.mark.parametrize(
    ("device", "region", "ways"),
    [
        ("", "", WAYS), ("desktop", "上海", WAYS), ("desktop", "浙江", NO_WECHAT), ("phone", "", NO_ALIPAY),
        ("phone", "浙江", set()), ("wechat", "日本", set()),
    ],
)  # fmt: skip
async def test_what_is_offered_can_be_had_and_nothing_else(
    counter: Counter, device: str, region: str, ways: set[tuple[Method, Scene]]
) -> None:
    second = await counter.another()
    await payments.switch_channel(counter.world.db, second, on=False, reason="closed", actor_id=7)
    for rule in RULES:
        await payments.add_rule(counter.world.db, rule, actor_id=7)
    counter.forget()
    merchant = await counter.world.merchant()
    me = merchant.caller.organisation
    assert await payments.ways_to_pay(counter.cashier, me, CARD_E4, device=device, region=region) == ways
    payer = Payer(device=device, region=region)
    for method in (Method.wechat, Method.alipay):
        asked = payments.begin_recharge(
            counter.cashier, me, CARD_E4, client_ref=f"rc-{method}", method=method, scene=Scene.qr, payer=payer
        )
        if (method, Scene.qr) in ways:
            assert (await asked).payment.channel_id == counter.channel
        else:
            with pytest.raises(NoChannel):
                await asked
    assert len(counter.bank.calls) == len({method for method, _ in ways})
    await counter.check()
