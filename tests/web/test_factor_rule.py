"""A second factor can be required: who has none is led to set it up, and works for nobody until then."""

from __future__ import annotations

import pyotp
import pytest

from kameng import access, identity
from kameng.ops import founding
from pages import Visitor, signed_in, text_of
from running import Platform


async def proved(platform: Platform, visitor: Visitor) -> Visitor:
    """As if he had just said his password again."""
    await platform.db.pool.execute("UPDATE web_session SET proved_at = now()")
    return visitor


@pytest.mark.parametrize("kind", ["merchant", "platform"])
async def test_who_has_none_is_led_to_set_it_up_before_anything_else(platform: Platform, kind: str) -> None:
    one = platform.seed.shop.organisation if kind == "merchant" else await founding.found_house(platform.db)
    home = {"merchant": "/merchant", "platform": "/console"}[kind]
    owner = await proved(platform, await signed_in(platform, one))
    clerk = await signed_in(platform, one, "clerk")
    assert (await clerk.get(home)).status == 200
    assert (await clerk.post("/me/staff/factor", {"on": "1"})).status == 403  # his role leads nobody
    assert (await owner.post("/me/staff/factor", {"on": "1"})).status == 303

    for path in (home, "/me", "/me/staff", "/lists/runs", "/find", "/wallet"):
        answer = await clerk.get(path)
        assert (answer.status, answer.headers["location"].partition("?")[0]) == (303, "/me/factor"), path
    before = await platform.trace()
    forms = ("/lists/export", "/lists/views", "/me/staff/factor", "/merchant/keys/new", "/checkout")
    for path in forms:
        answer = await clerk.post(path, {"plan": "merchant.orders.export", "form": "csv", "on": "0"})
        assert answer.status in (303, 403, 404, 422), path
    assert await platform.trace() == before
    assert one.name in text_of(await clerk.get("/me/factor"))
    for path in ("/me/security", "/places"):
        assert (await clerk.get(path)).status == 200, path

    clerk_id = await platform.db.pool.fetchval(
        "SELECT p.person_id FROM person p JOIN membership m USING (person_id) WHERE m.role = 'clerk' AND m.org_id = $1",
        one.org_id,
    )  # fmt: skip
    secret = await access.begin_totp(platform.db, platform.ring, clerk_id)
    assert secret is not None
    assert (await clerk.get(home)).status == 303  # begun is not done
    await access.confirm_totp(platform.db, platform.ring, clerk_id, pyotp.TOTP(secret).now())
    assert (await clerk.get(home)).status == 200
    assert (await owner.get(home)).status == 303  # he has none himself


async def test_a_passkey_that_began_the_session_is_enough_and_the_rule_is_one_organisations(platform: Platform) -> None:
    one, other = platform.seed.shop.organisation, platform.seed.other.organisation
    await access.require_factor(platform.db, one, is_on=True, actor_id=7)
    elsewhere = await signed_in(platform, other)
    assert (await elsewhere.get("/merchant")).status == 200
    person_id = await identity.enrol(platform.db, sign_in="key@test.kameng", name="key")
    await identity.join(platform.db, one, person_id, "owner")
    for factor, status in (("passkey", 200), ("password", 303), ("code", 303)):
        token = await access.begin_session(
            platform.db, person_id, factor=factor, visit=access.Visit("127.0.0.1", ""), org_id=one.org_id
        )
        assert (await Visitor(platform, token.text).get("/merchant")).status == status, factor
    await access.require_factor(platform.db, one, is_on=False, actor_id=7)
    await access.require_factor(platform.db, one, is_on=False, actor_id=7)
    said = await platform.db.pool.fetch(
        "SELECT actor_id, data->>'is' AS said FROM audit_line WHERE act = 'organisation.factor' ORDER BY audit_id"
    )
    assert [tuple(row) for row in said] == [(7, "on"), (7, "off")]
    token = await access.begin_session(
        platform.db, person_id, factor="password", visit=access.Visit("127.0.0.1", ""), org_id=one.org_id
    )
    assert (await Visitor(platform, token.text).get("/merchant")).status == 200
