"""Each threat to whoever signs in, tried over real HTTP: nothing of it works.

Visitors come from addresses of their own on loopback, so that what one of them is made to wait for delays no other.
"""

from __future__ import annotations

import re
from itertools import count

import pytest

from browsing import PASSWORD, Desk, Faces
from kameng.access import LIMITS
from visiting import Visitor, forget_tries, hidden_for, sql

MERCHANT, CUSTOMER = "merchant@test.kameng", "customer@test.kameng"
_hosts = count(10)


@pytest.fixture
def visitor(faces: Faces) -> Visitor:
    number = next(_hosts)
    return Visitor(faces, address=f"127.0.{1 + number // 200}.{number % 200 + 1}")


# who is there ------------------------------------------------------------------------------------------------


def test_a_wrong_password_and_a_name_that_nobody_has_are_answered_alike(visitor: Visitor) -> None:
    wrong, nobody = (
        visitor.sign_in(CUSTOMER, "wrong horse battery"),
        visitor.sign_in("nobody@test.kameng", "wrong horse"),
    )
    assert (wrong.status, wrong.alert) == (nobody.status, nobody.alert) == (422, wrong.alert)
    assert "登录名或密码不正确" in wrong.alert
    shown = [re.sub(r'value="[^"]*"|data-token="\w+"|x-kameng-token":"\w+"', "", page.text) for page in (wrong, nobody)]
    assert shown[0] == shown[1]


@pytest.mark.parametrize("path", ["/signin/code", "/register", "/reset"])
def test_a_code_is_sent_to_anybody_in_the_same_words(faces: Faces, visitor: Visitor, path: str) -> None:
    forget_tries(faces)
    known = visitor.post(path, {"contact": CUSTOMER})
    unknown = visitor.post(path, {"contact": f"nobody{path.count('e')}@example.com"})
    assert (known.status, known.header("location")) == (unknown.status, unknown.header("location")) == (
        303, "/signin/check",
    )  # fmt: skip
    told = [row["template"] for row in sql(faces, "SELECT template FROM message ORDER BY message_id DESC LIMIT 2")]
    assert told == ["sign_in_code", "sign_in_code"]


# trying often ------------------------------------------------------------------------------------------------


def test_five_wrong_passwords_and_the_next_one_waits_whoever_asks_and_even_with_the_right_one(
    faces: Faces, visitor: Visitor
) -> None:
    sql(faces, "DELETE FROM try_limit")
    answers = [visitor.sign_in("supplier@test.kameng", f"wrong horse {number}").alert for number in range(6)]
    assert ["登录名或密码不正确" in alert for alert in answers] == [True] * 5 + [False]
    assert "秒后再试" in answers[5]
    elsewhere = Visitor(faces, address="127.0.9.9")
    assert "秒后再试" in elsewhere.sign_in("supplier@test.kameng").alert  # the right one, from elsewhere
    assert not elsewhere.session
    assert elsewhere.sign_in(CUSTOMER).status == 303  # nobody else waits
    forget_tries(faces)
    assert elsewhere.sign_in("supplier@test.kameng").status == 303


def test_many_names_from_one_address_are_waited_for_too(faces: Faces, visitor: Visitor) -> None:
    forget_tries(faces)
    most = LIMITS["password_at"].free
    answers = [visitor.sign_in(f"name{number}@example.com", "wrong horse battery").alert for number in range(most + 1)]
    assert ["登录名或密码不正确" in alert for alert in answers] == [True] * most + [False]


def test_a_code_can_be_tried_five_times(faces: Faces, visitor: Visitor) -> None:
    forget_tries(faces)
    visitor.post("/signin/code", {"contact": CUSTOMER})
    right = hidden_for(faces, "sign_in_code")
    wrong = f"{(int(right) + 1) % 10**6:06d}"
    for _ in range(5):
        assert "验证码不正确" in visitor.post("/signin/check", {"code": wrong}).alert
    assert "验证码不正确" in visitor.post("/signin/check", {"code": right}).alert
    assert not visitor.session


def test_a_second_code_waits_a_minute(faces: Faces, visitor: Visitor) -> None:
    forget_tries(faces)
    assert visitor.post("/signin/code", {"contact": "wait@example.com"}).status == 303
    assert "秒后再试" in visitor.post("/signin/code", {"contact": "Wait@Example.com"}).alert
    sent = sql(faces, "SELECT count(*) FROM challenge WHERE created_at > now() - interval '1 hour'")[0]["count"]
    visitor.post("/signin/code", {"contact": "wait@example.com"})
    assert sql(faces, "SELECT count(*) FROM challenge WHERE created_at > now() - interval '1 hour'")[0]["count"] == sent


def test_a_forwarded_address_is_believed_from_a_proxy_of_ours_only(faces: Faces, visitor: Visitor) -> None:
    def last_ip() -> str:
        return str(sql(faces, "SELECT ip FROM sign_in_event ORDER BY event_id DESC LIMIT 1")[0]["ip"])

    forget_tries(faces)
    headers = {"x-forwarded-for": "203.0.113.7"}
    fields = {"sign_in": CUSTOMER, "password": PASSWORD}
    visitor.post("/signin", fields, token=visitor.token(), headers=headers)
    assert last_ip() == visitor.address
    proxy = Visitor(faces, address="127.0.0.2")
    proxy.post("/signin", fields, token=proxy.token(), headers=headers)
    assert last_ip() == "203.0.113.7"


# codes -------------------------------------------------------------------------------------------------------


def test_a_code_is_good_once_and_in_the_browser_that_asked_for_it(faces: Faces, visitor: Visitor) -> None:
    forget_tries(faces)
    visitor.post("/signin/code", {"contact": CUSTOMER})
    code, ticket = hidden_for(faces, "sign_in_code"), visitor.cookies["kameng_step"]
    thief = Visitor(faces, address="127.0.9.10")
    thief.token()
    thief.cookies["kameng_step"] = ticket
    assert thief.post("/signin/check", {"code": code}).header("location") == "/signin/code"
    assert not thief.session
    before = dict(visitor.cookies)
    assert visitor.post("/signin/check", {"code": code}).status == 303
    assert visitor.is_in()
    again = Visitor(faces, address="127.0.9.11")
    again.cookies = before
    assert "验证码不正确" in again.post("/signin/check", {"code": code}).alert
    assert not again.session


def test_a_code_for_signing_in_resets_no_password(faces: Faces, visitor: Visitor) -> None:
    forget_tries(faces)
    visitor.post("/signin/code", {"contact": CUSTOMER})
    visitor.post("/signin/check", {"code": hidden_for(faces, "sign_in_code")})
    answer = visitor.post("/reset/password", {"password": "stolen horse battery"})
    assert answer.header("location") == "/reset"
    assert Visitor(faces, address="127.0.9.12").sign_in(CUSTOMER).status == 303


def test_no_secret_lies_in_the_clear(faces: Faces, visitor: Visitor) -> None:
    forget_tries(faces)
    visitor.post("/signin/code", {"contact": "clear@example.com"})
    code = hidden_for(faces, "sign_in_code")
    visitor.sign_in(CUSTOMER)
    for table in ("message", "challenge", "web_session", "sign_in_event", "try_limit", "job"):
        rows = str([dict(row) for row in sql(faces, f"SELECT * FROM {table}")])
        assert "clear@example.com" not in rows
        assert visitor.session not in rows
        assert not re.search(rf"\D{code}\D", rows)


# sessions ----------------------------------------------------------------------------------------------------


def test_a_session_that_was_planted_is_not_taken_over(faces: Faces, visitor: Visitor) -> None:
    """Fixation: a token from before signing in is worth nothing after it."""
    attacker = Visitor(faces, address="127.0.9.13")
    attacker.sign_in("agent@test.kameng")
    planted = attacker.session
    visitor.cookies["kameng_session"] = planted
    visitor.sign_in(CUSTOMER)
    assert visitor.session not in ("", planted)
    assert "customer@test.kameng" in visitor.get("/me/security").text
    assert not attacker.is_in()  # what was planted was signed out with it


def test_proving_oneself_and_another_organisation_give_a_new_token(faces: Faces, visitor: Visitor) -> None:
    visitor.sign_in(CUSTOMER)
    before, copied = visitor.session, Visitor(faces, address="127.0.9.14")
    copied.cookies = dict(visitor.cookies)
    assert visitor.post("/prove", {"password": PASSWORD, "next": "/me/security"}).status == 303
    assert visitor.session != before
    assert (visitor.is_in(), copied.is_in()) == (True, False)


def test_signing_out_ends_the_session_on_the_server(faces: Faces, visitor: Visitor) -> None:
    visitor.sign_in(CUSTOMER)
    copied = Visitor(faces, address="127.0.9.15")
    copied.cookies = dict(visitor.cookies)
    visitor.post("/signout", {})
    assert not copied.is_in()


def test_sessions_end_idle_and_end_for_good(faces: Faces, visitor: Visitor) -> None:
    visitor.sign_in(CUSTOMER)
    mine = "person_id = (SELECT person_id FROM person WHERE sign_in = 'customer@test.kameng')"
    aged = "seen_at = now() - interval '1 day', created_at = now() - interval '89 days'"
    sql(faces, f"UPDATE web_session SET {aged} WHERE {mine}")
    assert visitor.is_in()
    rows = sql(faces, f"SELECT expires_at - created_at AS lasts FROM web_session WHERE {mine} ORDER BY seen_at DESC")
    assert rows[0]["lasts"].days == 90  # used, and yet no longer than that
    sql(faces, f"UPDATE web_session SET expires_at = now() - interval '1 second' WHERE {mine}")
    assert visitor.get("/me/security").header("location").startswith("/signin")


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(visitor: Visitor) -> None:
    cookie = visitor.sign_in(CUSTOMER).cookies["kameng_session"]
    assert cookie["httponly"]
    assert cookie["samesite"].lower() == "lax"
    assert cookie["path"] == "/"


def test_one_s_devices_are_his_alone(faces: Faces, visitor: Visitor) -> None:
    other = Visitor(faces, address="127.0.9.16")
    other.sign_in("agent@test.kameng")
    (row,) = sql(
        faces, "SELECT session_id FROM web_session JOIN person USING (person_id)"
        " WHERE sign_in = 'agent@test.kameng' ORDER BY seen_at DESC LIMIT 1",
    )  # fmt: skip
    visitor.sign_in(CUSTOMER)
    answer = visitor.post("/me/security/devices/end", {"id": str(row["session_id"])})
    assert answer.status == 404
    assert other.is_in()


# forged forms, frames, ways out ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}],
)
def test_a_form_of_another_site_is_refused(visitor: Visitor, headers: dict[str, str]) -> None:
    visitor.sign_in(CUSTOMER)
    assert visitor.post("/signout", {}, headers=headers).status == 403
    assert visitor.is_in()


def test_a_form_without_its_token_or_with_another_s_is_refused(faces: Faces, visitor: Visitor) -> None:
    visitor.sign_in(CUSTOMER)
    other = Visitor(faces, address="127.0.9.17")
    for token in ("", "0" * 40, other.token()):
        assert visitor.post("/signout", {}, token=token).status == 403
    assert visitor.is_in()


def test_a_token_of_before_signing_in_is_worth_nothing_after(visitor: Visitor) -> None:
    token = visitor.token()
    visitor.sign_in(CUSTOMER)
    assert visitor.post("/signout", {}, token=token).status == 403


@pytest.mark.parametrize("path", ["/signin", "/me/security", "/prove", "/"])
def test_no_page_stands_in_a_frame(visitor: Visitor, path: str) -> None:
    visitor.sign_in(CUSTOMER)
    page = visitor.get(path)
    assert "frame-ancestors 'none'" in page.header("content-security-policy")
    assert page.header("x-frame-options") == "DENY"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example",
        "javascript:alert(1)", "https:evil.example", "/%0d%0aset-cookie:x=y",
    ],
)  # fmt: skip
def test_nobody_is_sent_to_another_host(visitor: Visitor, target: str) -> None:
    location = visitor.sign_in(CUSTOMER, next=target).header("location")
    assert location in ("/", "/%0d%0aset-cookie:x=y")
    assert not visitor.cookies.get("x")
    assert visitor.post("/prove", {"password": PASSWORD, "next": target}).header("location") == location


def test_a_host_that_was_made_up_is_in_no_link(faces: Faces, visitor: Visitor) -> None:
    forget_tries(faces)
    visitor.sign_in(MERCHANT)
    visitor.post("/prove", {"password": PASSWORD, "next": "/"})
    token = visitor.token()
    evil = {"host": "evil.example", "content-type": "application/x-www-form-urlencoded"}
    body = f"_token={token}&contact=staff%40example.com&role=clerk".encode()
    assert visitor.send("POST", "/me/staff/invite", body=body, headers=evil).status == 303
    assert "evil.example" not in hidden_for(faces, "staff_invited")


# rights ------------------------------------------------------------------------------------------------------

DANGEROUS = [
    "/me/security/password", "/me/security/totp/begin", "/me/security/totp", "/me/security/totp/remove",
    "/me/security/codes", "/me/security/passkeys/ask", "/me/security/passkeys", "/me/security/passkeys/remove",
    "/me/staff/invite", "/me/staff/1/role", "/me/staff/1/remove",
]  # fmt: skip


@pytest.mark.parametrize("path", DANGEROUS)
def test_what_is_dangerous_asks_once_more_who_one_is(faces: Faces, visitor: Visitor, path: str) -> None:
    visitor.sign_in(MERCHANT)
    sql(faces, "UPDATE web_session SET proved_at = now() - interval '11 minutes'")
    answer = visitor.post(path, {"password": "another horse battery"})
    assert (answer.status, answer.header("location").partition("?")[0]) == (303, "/prove")


@pytest.mark.parametrize("path", ["/me/security", "/me/staff", "/places", "/prove", "/me/security/totp.svg"])
def test_whoever_is_not_signed_in_sees_none_of_it(visitor: Visitor, path: str) -> None:
    answer = visitor.get(path)
    assert (answer.status, answer.header("location").partition("?")[0]) == (303, "/signin")


def test_a_customer_has_no_staff_and_a_clerk_leads_none(faces: Faces, visitor: Visitor) -> None:
    visitor.sign_in(CUSTOMER)
    assert visitor.get("/me/staff").status == 403


# what is sent ------------------------------------------------------------------------------------------------


def test_what_was_typed_is_shown_as_text(visitor: Visitor) -> None:
    page = visitor.sign_in('"><script>alert(1)</script>', "wrong horse battery")
    assert "<script>alert" not in page.text
    assert "script-src 'self'" in page.header("content-security-policy")


def test_a_password_is_never_shown_again(visitor: Visitor) -> None:
    assert "wrong horse battery" not in visitor.sign_in(CUSTOMER, "wrong horse battery").text


@pytest.mark.parametrize("name", ["' OR 1=1 --", "customer@test.kameng' --", "%", "\x00", "a" * 300])
def test_no_name_is_a_way_around_the_password(visitor: Visitor, name: str) -> None:
    page = visitor.sign_in(name, "wrong horse battery")
    assert page.status == 422
    assert not visitor.session


def test_a_ticket_that_was_changed_opens_nothing(faces: Faces, visitor: Visitor) -> None:
    forget_tries(faces)
    visitor.post("/reset", {"contact": "ticket@example.com"})
    ticket = visitor.cookies["kameng_step"]
    for forged in (ticket[:-4] + "AAAA", "AAAA" + ticket[4:], "", "x" * 200, visitor.session):
        visitor.cookies["kameng_step"] = forged
        assert visitor.get("/reset/password").header("location") == "/reset"


@pytest.mark.browser
def test_a_page_of_another_origin_can_t_frame_or_post(desk: Desk) -> None:
    """In a real browser: a page that is not ours frames the sign-in, and posts to sign out."""
    desk.expected = ("frame-ancestors", "X-Frame-Options", "403", "chrome-error", "about:blank", "Refused")
    page = desk.open("/me/security", kind="customer")
    base = desk.faces.base
    foreign = page.context.new_page()
    foreign.set_content(
        f'<iframe src="{base}/signin" id="f"></iframe>'
        f'<form id="p" action="{base}/signout" method="post"><button>go</button></form>'
    )
    foreign.wait_for_timeout(300)
    framed = foreign.frames[1]
    assert framed.query_selector("form") is None
    with foreign.expect_navigation() as gone:
        foreign.click("#p button")
    assert gone.value.status in (303, 403)
    page.goto("/me/security")
    assert page.url == f"{base}/me/security"  # still signed in
