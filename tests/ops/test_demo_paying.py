"""The demo's payment providers: a process for as long as the platform runs, and accounts that always fit it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from kameng import payments, reconciliation
from kameng.channels import Method, Scene
from kameng.kit import settings
from kameng.ops import auditing, demo_bills, demo_paying
from kameng.ops.opening import Platform as Opened
from running import Platform, platform, seeded

__all__ = ["platform", "seeded"]


async def test_each_run_has_its_providers_and_the_same_channels(platform: Platform, tmp_path: Path) -> None:
    chosen = msgspec.structs.replace(settings.load({"KAMENG_DATA_DIR": str(tmp_path)}), tls_certificate="off")
    opened = Opened(chosen, platform.db, platform.ring)
    gateways = []
    for _ in range(2):
        with demo_paying.simulator(chosen) as given:
            gateways.append(next(x.credentials["gateway"] for x in given if x.name == demo_paying.ACCOUNTS[0][0]))
            await demo_paying.connect(opened, given)
            channels = await payments.list_channels(platform.db)
            names = ("演示微信支付", "演示支付宝", "演示微信支付二号")
            assert [(one.name, one.is_on) for one in channels] == [(name, True) for name in names]
            cashier = payments.Cashier(platform.db, platform.ring, public_url="http://127.0.0.1:1")
            begun = await payments.begin_recharge(
                cashier, platform.seed.shop.organisation, 1_000_000, client_ref=f"run-{len(gateways)}",
                method=Method.wechat, scene=Scene.qr, payer=payments.Payer(),
            )  # fmt: skip
            await cashier.close()
            assert begun.shown is not None
            assert begun.shown.text.startswith(gateways[-1])
            assert begun.payable.bonus_e4 == demo_paying.BONUS_E4
            await demo_bills.fill(opened, platform.seed.shop.organisation.org_id)
            cases = await reconciliation.list_cases(platform.db)
            assert sorted(one.kind.value for one in cases) == ["AMOUNT", "FEE", "LONG", "STATUS"]
    assert gateways[0] != gateways[1]
    assert not any("PRIVATE" in repr(one) for one in given)
    assert (await auditing.run(platform.db, platform.ring)).broken == ()
