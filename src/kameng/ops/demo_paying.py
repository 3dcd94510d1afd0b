"""The demo's payment providers: ``kameng.sim.pay`` as a process beside the others, and channel accounts there.

Only ``kameng run`` starts it. Its port and so its address are new each time: the accounts are sealed anew with what it
wrote down for its merchants.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from kameng import epay, payments
from kameng.kit import switches
from kameng.kit.errors import Fault
from kameng.kit.settings import Settings
from kameng.ops.opening import Platform

MODULE = "kameng.sim.pay"
"""Started by its name: nothing of it is imported."""
ACCOUNTS = (
    ("微信公钥模式商户", "演示微信支付", "mchid"), ("支付宝公钥模式商户", "演示支付宝", "seller_id"),
    ("微信平台证书模式商户", "演示微信支付二号", "mchid"),
)  # fmt: skip
"""What the simulator calls a merchant, what its channel is called here, and the credential that names its account."""
BONUS_FROM_E4, BONUS_E4 = 100 * 10_000, 3 * 10_000
END_S = 5.0


class Given(msgspec.Struct, frozen=True):
    """What a merchant gets of a provider."""

    name: str
    protocol: str
    credentials: dict[str, str]

    def __repr__(self) -> str:
        return f"Given(name={self.name!r})"


class Simulator(msgspec.Struct, frozen=True):
    """The providers as they run."""

    pid: int
    port: int
    given: Sequence[Given]


@contextmanager
def simulator(chosen: Settings) -> Iterator[Sequence[Given]]:
    """The providers of the demo, for the block; what their merchants are given."""
    options = ["--shop", "卡盟演示"]
    if chosen.tls_certificate != "off":
        own = chosen.data_dir / "tls" / "certificate.pem"
        options += ["--trust", chosen.tls_certificate or str(own)]
    with running(chosen.data_dir / "sim-pay", *options) as started:
        yield started.given


@contextmanager
def running(folder: Path, *options: str) -> Iterator[Simulator]:
    """The providers with their keys in that folder, for the block."""
    command = [sys.executable, "-m", MODULE, "--data", str(folder), *options]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, start_new_session=True
    )
    assert process.stdout is not None
    try:
        name, _, port = process.stdout.readline().strip().partition("=")
        if name != "port":
            raise Fault(
                "The simulated payment providers did not start; their last words stand above.\n"
                "模拟支付渠道未能启动，原因见上。"
            )
        yield Simulator(process.pid, int(port), _read(folder))
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(END_S)
        process.kill()
        process.wait()
        process.stdout.close()


def _read(folder: Path) -> Sequence[Given]:
    found: list[dict[str, Any]] = json.loads((folder / "merchants.json").read_bytes())
    return [Given(one["name"], one["protocol"], one["credentials"]) for one in found]


async def connect(platform: Platform, given: Sequence[Given]) -> None:
    """Channel accounts with the providers that run now, switched on; made by the first run."""
    db, ring = platform.db, platform.ring
    standing = {one.name: one for one in await payments.list_channels(db)}
    merchants = {one.name: one for one in given}
    for theirs, name, account in ACCOUNTS:
        one = merchants[theirs]
        if name in standing:
            await payments.seal_channel(db, ring, standing[name].channel_id, one.credentials, actor_id=0)
            continue
        channel_id = await payments.add_channel(
            db, ring, protocol=one.protocol, name=name, credentials=one.credentials,
            account_no=one.credentials[account], fee_ppm=6000, actor_id=0,
        )  # fmt: skip
        await payments.switch_channel(db, channel_id, on=True, reason="demo", actor_id=0)
    if not standing:
        await switches.flip(db, epay.SWITCH, on=True, reason="demo", actor_id=0)
        await payments.add_bonus(db, from_e4=BONUS_FROM_E4, give_e4=BONUS_E4, actor_id=0)
