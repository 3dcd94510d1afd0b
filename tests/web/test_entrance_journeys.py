"""The ways in, from end to end in a real browser: code, password, authenticator app, passkey; devices and staff."""

from __future__ import annotations

import re

import pyotp
import pytest
from playwright.sync_api import CDPSession, Page, expect

from browsing import PASSWORD, Desk, confirms
from visiting import forget_tries, hidden_for, sql

pytestmark = pytest.mark.browser
WORDS = "long enough words"


@pytest.fixture(autouse=True)
def _fresh(desk: Desk) -> None:
    forget_tries(desk.faces)
    sql(desk.faces, "DELETE FROM message")


def register(desk: Desk, mail: str, *, name: str = "王小明", path: str = "/register", company: str = "") -> Page:
    page = desk.open(path)
    page.fill("#contact", mail)
    page.click("main button.first")
    page.fill("#code", hidden_for(desk.faces, "sign_in_code"))
    page.click("main button.first")
    if company:
        page.fill("#company", company)
    page.fill("#name", name)
    page.fill("#password", WORDS)
    page.click("main button.first")
    page.wait_for_url(lambda url: "/register" not in url)
    return page


def authenticator(page: Page) -> CDPSession:
    """A device that holds passkeys and whose owner always agrees."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session


def on_localhost(desk: Desk) -> str:
    """Passkeys work at names, not at numbers."""
    return f"http://localhost:{desk.faces.port}"


def test_a_newcomer_shows_his_address_and_gets_an_account_of_the_shop(desk: Desk) -> None:
    page = register(desk, "newcomer@example.com")
    assert page.url == f"{desk.faces.base}/"
    (row,) = sql(
        desk.faces, "SELECT o.kind, o.name, o.state, o.parent_id, m.role FROM organisation o"
        " JOIN membership m USING (org_id) JOIN person p USING (person_id) WHERE p.sign_in = 'newcomer@example.com'",
    )  # fmt: skip
    assert tuple(row) == ("customer", "王小明", "active", None, "owner")
    (wallets,) = sql(
        desk.faces, "SELECT count(*) FROM account a JOIN membership m ON m.org_id = a.org_id"
        " JOIN person p USING (person_id) WHERE p.sign_in = 'newcomer@example.com' AND a.currency = 'CNY'",
    )  # fmt: skip
    assert wallets["count"] > 0
    page.goto("/me/security")
    expect(page.locator("main tbody tr").first).to_contain_text("登录成功")
    expect(page.locator("main tbody tr").first).to_contain_text("Chrome")


def test_a_merchant_registers_and_waits_for_the_operator(desk: Desk) -> None:
    page = register(desk, "boss@example.com", path="/register/merchant", company="长风数卡")
    assert page.url == f"{desk.faces.base}/merchant"
    rows = sql(desk.faces, "SELECT state, currency FROM organisation WHERE name LIKE '长风数卡%' ORDER BY org_id")
    assert [tuple(row) for row in rows] == [("suspended", "CNY"), ("active", "XTS")]


def test_whoever_has_an_account_comes_in_by_a_code_and_is_not_registered_twice(desk: Desk) -> None:
    page = desk.open("/register")
    page.fill("#contact", "agent@test.kameng")
    page.click("main button.first")
    page.fill("#code", hidden_for(desk.faces, "sign_in_code"))
    page.click("main button.first")
    page.wait_for_url(f"{desk.faces.base}/merchant")
    assert len(sql(desk.faces, "SELECT 1 FROM person WHERE sign_in = 'agent@test.kameng'")) == 1


def test_a_forgotten_password_is_replaced_and_everybody_signed_out(desk: Desk) -> None:
    first = register(desk, "forgot@example.com")
    forget_tries(desk.faces)
    page = desk.open("/reset")
    page.fill("#contact", "forgot@example.com")
    page.click("main button.first")
    page.fill("#code", hidden_for(desk.faces, "sign_in_code"))
    page.click("main button.first")
    desk.expected = ("422 (Unprocessable",)
    page.fill("#password", "1234567890")
    page.click("main button.first")
    expect(page.locator(".error")).to_contain_text("不能是常见密码")
    page.fill("#password", "quite another phrase")
    page.click("main button.first")
    page.wait_for_url("**/signin")
    first.goto("/me/security")
    assert "/signin" in first.url
    page.fill("#sign_in", "forgot@example.com")
    page.fill("#password", "quite another phrase")
    page.click("main button.first")
    page.wait_for_url(f"{desk.faces.base}/")
    told = sql(desk.faces, "SELECT template FROM message ORDER BY message_id DESC LIMIT 1")[0]["template"]
    assert told == "password_changed"


def test_two_steps_with_an_authenticator_app_and_a_recovery_code(desk: Desk) -> None:
    page = register(desk, "two@example.com")
    page.goto("/me/security")
    page.click('form[action="/me/security/totp/begin"] button')
    page.wait_for_url("**/me/security/totp")
    assert desk.axe(page) == []
    assert page.evaluate("document.querySelector('.qr').naturalWidth") > 0
    page.click("summary")
    secret = pyotp.TOTP(page.locator("[data-copied]").inner_text().replace(" ", ""))
    code = secret.now()
    page.fill("#code", code)
    page.click("main button.first")
    codes = page.locator(".recovery-codes li").all_inner_texts()
    assert len(set(codes)) == 10
    assert desk.axe(page) == []

    desk.expected = ("422 (Unprocessable",)
    other = desk.open("/signin")
    other.fill("#sign_in", "two@example.com")
    other.fill("#password", WORDS)
    other.click("main button.first")
    other.wait_for_url("**/signin/second")
    assert desk.axe(other) == []
    assert "kameng_session" not in {cookie["name"] for cookie in other.context.cookies()}
    other.fill("#code", code)  # it was used a moment ago
    other.click("main button.first")
    expect(other.locator(".error")).to_contain_text("验证码不正确")
    other.goto("/signin/second?how=recovery")
    other.fill("#code", codes[3])
    other.click("main button.first")
    other.wait_for_url(f"{desk.faces.base}/")
    other.goto("/me/security")
    expect(other.locator("main")).to_contain_text("还剩 9 个可用")
    expect(other.locator("main tbody tr").nth(1)).to_contain_text("已拒绝")

    third = desk.open("/signin")
    third.fill("#sign_in", "two@example.com")
    third.fill("#password", WORDS)
    third.click("main button.first")
    third.goto("/signin/second?how=recovery")
    third.fill("#code", codes[3])  # each once
    third.click("main button.first")
    expect(third.locator(".error")).to_contain_text("验证码不正确")


def test_a_passkey_is_made_and_signs_in_and_proves(desk: Desk) -> None:
    base, desk.faces.base = desk.faces.base, on_localhost(desk)
    try:
        page = register(desk, "key@example.com")
        authenticator(page)
        page.goto("/me/security")
        page.fill("#passkey-name", "我的手机")
        page.click("pass-key button")
        expect(page.locator("main")).to_contain_text("我的手机")
        page.context.clear_cookies()
        page.goto("/signin")
        page.click("pass-key button")
        page.wait_for_url(f"{desk.faces.base}/")
        sql(desk.faces, "UPDATE web_session SET proved_at = now() - interval '1 hour'")
        page.goto("/me/security/password")
        assert "/prove" in page.url
        page.click("pass-key button")
        page.wait_for_url(f"{desk.faces.base}/me/security/password")
        page.goto("/me/security")
        expect(page.locator("main tbody tr").first).to_contain_text("已验证")
        # Taken away, it opens nothing more.
        page.click('form[action="/me/security/passkeys/remove"] button')
        page.click("#ask button[value=yes]")
        expect(page.locator("main")).not_to_contain_text("我的手机")
        page.context.clear_cookies()
        desk.expected = ("422 (Unprocessable",)
        page.goto("/signin")
        page.click("pass-key button")
        expect(page.locator("pass-key [role=status]")).to_contain_text("通行密钥验证失败")
    finally:
        desk.faces.base = base


def test_devices_are_listed_and_signed_out_from_afar(desk: Desk) -> None:
    phone = register(desk, "devices@example.com")
    here = desk.open("/signin", user_agent="Mozilla/5.0 (iPhone; CPU iPhone OS 17_0) MicroMessenger/8.0.50")
    here.fill("#sign_in", "devices@example.com")
    here.fill("#password", WORDS)
    here.click("main button.first")
    here.wait_for_url(f"{desk.faces.base}/")
    here.goto("/me/security")
    expect(here.locator("main")).to_contain_text("微信 8 · iPhone")
    here.click('form[action="/me/security/devices/end"] button')
    expect(here.locator("[role=status]").last).to_contain_text("该设备已退出登录")
    phone.goto("/me/security")
    assert "/signin" in phone.url


def test_staff_is_invited_joins_changes_and_goes_and_an_owner_stays(desk: Desk) -> None:
    page = desk.open("/me/staff", kind="supplier")
    assert desk.axe(page) == []
    page.fill("#contact", "staff@example.com")
    page.select_option("#role", "catalogue")
    page.locator("form:has(#contact) button.first").click()
    expect(page.locator("main")).to_contain_text("s***@example.com")
    path = re.sub(r"^https?://[^/]+", "", hidden_for(desk.faces, "staff_invited"))

    guest = register(desk, "staff@example.com", name="小陈")
    guest.goto(path)
    assert desk.axe(guest) == []
    guest.click("main button.first")
    guest.wait_for_url("**/supplier")
    desk.expected = ("403 (Forbidden)", "404 (Not Found)", "422 (Unprocessable")
    guest.goto("/me/staff")  # a catalogue clerk leads nobody
    expect(guest.locator("main code")).to_have_text("forbidden")
    guest.goto(path)  # good once
    expect(guest.locator("main code")).to_have_text("invitation_gone")

    page.goto("/me/staff")
    confirms(page)
    mine = page.locator("main tbody tr").first
    mine.locator("select").select_option("clerk")
    mine.locator("button >> nth=0").click()
    expect(page.locator("[role=alert]")).to_contain_text("至少须保留一位所有者")
    theirs = page.locator("main tbody tr", has_text="小陈")
    theirs.locator("form[action$='/remove'] button").click()
    expect(page.locator("main tbody tr")).to_have_count(1)
    guest.goto("/supplier")
    expect(guest.locator("main code")).to_have_text("forbidden")


@pytest.mark.parametrize(("locale", "scheme", "width"), [("zh-CN", "light", 1280), ("en-GB", "dark", 360)])
def test_the_pages_have_no_serious_fault(desk: Desk, locale: str, scheme: str, width: int) -> None:
    page = desk.open("/", kind="merchant", locale=locale, width=width, color_scheme=scheme)
    for path in (
        "/me/security", "/me/security/signins", "/me/security/password", "/me/staff", "/prove", "/places",
        "/register/merchant",
    ):  # fmt: skip
        page.goto(path)
        assert desk.axe(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    outside = desk.open("/", locale=locale, width=width, color_scheme=scheme)
    for path in ("/signin", "/signin/code", "/register", "/register/merchant", "/reset"):
        outside.goto(path)
        assert desk.axe(outside) == [], path
        assert outside.evaluate("document.documentElement.scrollWidth") <= width, path


def test_signing_in_works_without_script(desk: Desk) -> None:
    page = desk.open("/signin", java_script_enabled=False)
    page.fill("#sign_in", desk.faces.sign_in_of("customer"))
    page.fill("#password", PASSWORD)
    page.click("main button.first")
    assert page.url == f"{desk.faces.base}/"
    page.goto("/me/security")
    expect(page.locator("h1")).to_have_text("登录与安全")
