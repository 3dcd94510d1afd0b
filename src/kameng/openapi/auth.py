"""Who is calling: the signature checked against a key in memory, before anything else is believed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from kameng import identity
from kameng.identity import (
    ApiKey,
    Caller,
    Directory,
    IpNotAllowed,
    KeyRevoked,
    Nonce,
    NonceUsed,
    Organisation,
    OrganisationSuspended,
    RateLimited,
    ScopeMissing,
    SignatureMissing,
    SignatureWrong,
)  # fmt: skip
from kameng.kit import clock
from kameng.kit.proxies import Proxies, undressed
from kameng.orders import Rehearsals

Headers = Sequence[tuple[bytes, bytes]]
BURST_S = 1
"""A key may use up a second's requests at once."""
ROWS_EACH = 100
"""So many rows of a bulk request count as one request."""


class Proof(NamedTuple):
    """A request that was signed with this key; whether the key may is not said yet."""

    key: ApiKey
    organisation: Organisation
    ts_s: int
    nonce: bytes


class Authenticator:
    """Checks requests of this process: signature, freshness, address, rate and scope, in that order."""

    def __init__(
        self, directory: Directory, trusted_proxies: Sequence[str] = (), rehearsals: Rehearsals | None = None
    ) -> None:
        self._directory = directory
        self._rehearsals = rehearsals
        self._proxies = Proxies(trusted_proxies)
        self._seen = identity.SeenNonces()
        self._buckets: dict[int, list[float]] = {}

    async def verify(self, *, method: str, path: bytes, query: bytes, headers: Headers, body: bytes) -> Proof:
        """Whose signature this is. Raises the refusal."""
        authorization = _header(headers, b"authorization")
        if authorization is not None:
            claim = identity.parse_authorization(authorization)
            key_id, sandbox, ts_s, nonce = claim.key_id, claim.sandbox, claim.ts_s, claim.nonce
            key = self._directory.keys.get(key_id) or await self._directory.key(key_id)
            if key is None or key.secret is None:
                raise SignatureWrong
            if not identity.verify_hmac(claim, key.secret, method=method, path=path, query=query, body=body):
                self._saw_wrong(key)
                raise SignatureWrong
        elif _header(headers, b"signature-input") is not None:
            strong = identity.parse_signature_input(headers)
            key_id, sandbox, ts_s, nonce = strong.key_id, strong.sandbox, strong.ts_s, strong.nonce
            key = await self._directory.key(key_id)
            if key is None or key.public_key is None:
                raise SignatureWrong
            try:
                identity.verify_rfc9421(key.public_key, headers, method=method, path=path, query=query, body=body)
            except SignatureWrong:
                self._saw_wrong(key)
                raise
        else:
            raise SignatureMissing
        organisation = self._directory.organisations[key.org_id]
        if sandbox is (organisation.sandbox_of is None):
            raise _misnamed(key, organisation)  # or whoever writes ak_test_ would order in earnest
        return Proof(key, organisation, ts_s, nonce)

    def admit(
        self, proof: Proof, *, headers: Headers, peer: str, scope: str | None, write: bool
    ) -> tuple[Caller, Nonce | None]:
        """The caller, and for a write the nonce that its transaction must spend. Raises the refusal."""
        key, organisation, ts_s, nonce = proof
        now_ms = clock.now_ms()
        if not key.works_at(now_ms):
            raise KeyRevoked
        identity.check_freshness(ts_s, now_ms, write=write)
        if organisation.state != "active":
            raise OrganisationSuspended
        ip = self._proxies.address_of(headers, peer) if self._proxies.networks else peer
        if key.allowed_ips and not any(undressed(ip) in network for network in key.allowed_ips):
            raise IpNotAllowed(ip)
        self._count(key.key_id, key.rate_per_second, now_ms)
        if scope is not None and scope not in key.scopes:
            raise ScopeMissing(scope)
        caller = Caller(key, organisation, ip)
        if not write:
            if not self._seen.first_time(key.key_id, nonce, now_ms):
                raise NonceUsed
            return caller, None
        return caller, identity.nonce_of(key.key_id, nonce, ts_s)

    def count_rows(self, key: ApiKey, row_count: int) -> None:
        """Many rows in a request count as several requests. They are taken whole: the key then waits its time."""
        more = -(-row_count // ROWS_EACH) - 1
        bucket = self._buckets.get(key.key_id)
        if bucket is not None:
            bucket[0] -= more

    def remaining(self, key: ApiKey) -> int:
        """Requests the key has left, as of its last one."""
        bucket = self._buckets.get(key.key_id)
        return key.rate_per_second * BURST_S if bucket is None else max(0, int(bucket[0]))

    def wait_s(self, key: ApiKey) -> int:
        """After how many seconds the key surely has a request left; 1 at least."""
        bucket = self._buckets.get(key.key_id)
        return 1 if bucket is None or bucket[0] >= 0 else math.ceil((1 - bucket[0]) / key.rate_per_second)

    def _saw_wrong(self, key: ApiKey) -> None:
        """Whoever tries out a sandbox key has seen a wrong signature refused."""
        if self._rehearsals is not None and self._directory.organisations[key.org_id].sandbox:
            self._rehearsals.saw(key.key_id, "wrong_signature")

    def _count(self, key_id: int, rate_per_second: int, now_ms: int) -> None:
        """A token bucket for each key, in this process; several gateways allow so many times as much."""
        bucket = self._buckets.get(key_id)
        if bucket is None:
            bucket = self._buckets[key_id] = [float(rate_per_second * BURST_S), now_ms]
        else:
            refill = (now_ms - bucket[1]) * rate_per_second / 1000
            bucket[0] = min(bucket[0] + refill, float(rate_per_second * BURST_S))
            bucket[1] = now_ms
        if bucket[0] < 1:
            raise RateLimited(f"{rate_per_second} requests a second", detail_zh=f"每秒 {rate_per_second} 次请求")
        bucket[0] -= 1


def _misnamed(key: ApiKey, organisation: Organisation) -> SignatureWrong:
    name = identity.format_key_id(key.key_id, sandbox=organisation.sandbox)
    en, zh = ("a sandbox", "沙箱") if organisation.sandbox else ("a live", "正式")
    return SignatureWrong(
        f"this is {en} key: its id is {name}", field="key", detail_zh=f"这是{zh}密钥，编号应为 {name}"
    )


def _header(headers: Headers, name: bytes) -> bytes | None:
    for key, value in headers:
        if key == name:
            return value
    return None
