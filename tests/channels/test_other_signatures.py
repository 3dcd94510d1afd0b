"""The signatures of the other channels, pure: fixed vectors (openssl's, the vendors'), and what must not pass."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng.channels import keys
from kameng.channels.amounts import decimal_of, minor_of, shortest_of
from kameng.channels.epay import signing as epay
from kameng.channels.stripe import signing as stripe
from kameng.channels.unionpay import signing as unionpay
from kameng.channels.usdt import signing as usdt

PUBLIC = (
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAvvof/pLbyu5l9nVr0G0yBsxT3X4cPNTVJPe4pq048zuCfcUaBJCBKR2YPRSjZIeDNRMKjj"
    "clCrRP3wW3sWgVhk2bTnASF2A0s1vy9lBxoZz9zwQ856z4WWFxONfrxcGoyIwBeYOsP0GLUd9bISRUsbAvTJMQz4qv8w8jpGnWhnmXie+yXLlg+ilb"
    "+x5XWrR5nuDpyODsSaKzcxaOHdse64lsiCwk6FPoabmGebdw22TFti317sl/k55VEGlW5sVQn9NfZB8c35/IczqJ49THNDUcp/PRac/LdjW4DaSS/D"
    "jVx5ba0jWnobcCP3xZC6xa5ASAZ4Aa7Xf3xH9oyGEpAwIDAQAB"
)
EPAY_SIGNATURE = (
    "CTmh5DAbLGV1uZ8hzM2lZAGxprme5cG9DhphgIkQ9o1GfIDxjagg3LMbMq4umXxPVO9N/PURcP6UDH7o2T0k1bYtuyhzWEdQLLuTdQ8iYCTvpHO0Ac"
    "waQ57P4enI7gtXPxXMxoGjcmoUQ6Qe5DfAl6mEECnF5jaJaQmKDDI1QniWPXjxTFGPfQ0kjczACauW71CqUcbhYtQY1fKqqUIHGCc4eV9cotLpyTCH"
    "yiHU8SRUw0TLljlJhr2XSA2NB0EEXtrm4C95+tJHjTpEoFKp7dv03d+zhdiZnKIBDU6dO4p3XJFdp9Kvdl1rl6FyZJIndO7bOyC0HRRG5nJDWyvmuw"
    "=="
)
UNIONPAY_SIGNATURE = (
    "WE4XxdrB0p81SBa0tLZ2I8wKni9WHuDj3uZrGNpyztRGC+ln/naQA249tDgHkIvXxlQ9nKmo03/NyYvCIS94StUXVE9L6b8UFXH4XCG1jgPGf0nanu"
    "TWLfsSntXOq8sp01tcZDHk5dE2Ql8SKdBZrJq0Mp+oIj7XMwWAIy/omYi+jkMsPx7RBu0ucC1bgodUsberJiWd8OqutGoMY5XyoJiaHCefZzNQbksA"
    "MCO+IuEwyOTlI54frFx3rstdsAIAOHqOep3wbMROZCJ4t7nc/rBpIt48pzjMExqRQxsrScoqUphsP4N9FaB2WQ5aBHTtsaKVBoG42rQkh0VwfMi/Fw"
    "=="
)
EPAY_FIELDS = {
    "x_new": "%", "pid": "1001", "out_trade_no": "A1", "name": "卡盟 ", "money": "1", "param": "", "return_url": " \t",
    "list": ["no"], "nothing": None, "sign_type": "RSA", "sign": EPAY_SIGNATURE,
}  # fmt: skip


def test_epay_signs_what_has_a_value_and_what_it_does_not_know() -> None:
    assert epay.signed_text(EPAY_FIELDS) == "money=1&name=卡盟 &out_trade_no=A1&pid=1001&x_new=%"


def test_epay_md5() -> None:
    assert epay.md5_sign(EPAY_FIELDS, "KEY") == "731285e5f1cd2d68a7bf1b22d9183ced"
    good = {**EPAY_FIELDS, "sign": "731285E5F1CD2D68A7BF1B22D9183CED"}
    assert epay.is_md5_signed(good, "KEY") is True
    assert epay.is_md5_signed({**good, "money": "1.00"}, "KEY") is False
    assert epay.is_md5_signed({**good, "unheard_of": "1"}, "KEY") is False
    assert epay.is_md5_signed({**good, "sign": ""}, "KEY") is False
    assert epay.is_md5_signed({**good, "sign": "漢"}, "KEY") is False


def test_epay_rsa_of_openssl() -> None:
    key = keys.public_key({"k": PUBLIC}, "k")
    assert epay.is_rsa_signed(EPAY_FIELDS, key) is True
    assert epay.is_rsa_signed({**EPAY_FIELDS, "money": "2"}, key) is False
    assert epay.is_rsa_signed({**EPAY_FIELDS, "sign": "no base64!"}, key) is False


def test_unionpay_signs_the_digits_of_the_digest() -> None:
    fields = {
        "version": "5.1.0", "respCode": "00", "orderId": "20261123", "customerInfo": "{a=1&b=2}", "accNo": "",
        "signature": UNIONPAY_SIGNATURE,
    }  # fmt: skip
    assert unionpay.digest(fields) == b"6c8c13226b21046ec486477cdfa298d51c5c57050620ef892ca432e87f7d504e"
    key = keys.public_key({"k": f"-----BEGIN PUBLIC KEY-----\n{PUBLIC}\n-----END PUBLIC KEY-----\n"}, "k")
    assert keys.is_rsa_sha256(key, UNIONPAY_SIGNATURE, unionpay.digest(fields)) is True
    assert keys.is_rsa_sha256(key, UNIONPAY_SIGNATURE, unionpay.digest({**fields, "respCode": "01"})) is False


def test_unionpay_answers_are_not_escaped() -> None:
    text = "respMsg=成功[0000]&customerInfo={a=1&b={c=2&d}}&signature=ab+/c==&qrCode=https://x/?a=1\n"
    assert unionpay.parse(text) == {
        "respMsg": "成功[0000]", "customerInfo": "{a=1&b={c=2&d}}", "signature": "ab+/c==", "qrCode": "https://x/?a=1",
    }  # fmt: skip
    assert unionpay.parse("<html>") == {}
    assert unionpay.parse("a=}}&b=1") == {"a": "}}", "b": "1"}


@pytest.mark.parametrize("verb", ["f", "v"])
def test_usdt_by_the_gateways_own_example(verb: str) -> None:
    fields = {
        "order_id": "20220201030210321", "amount": 42, "notify_url": "http://example.com/notify", "rate": "",
        "redirect_url": "http://example.com/redirect", "address": None,
    }  # fmt: skip
    token = "epusdt_password_xasddawqe"
    assert usdt.signature(fields, token, verb=verb) == "1cd4b52df5587cfb1968b0c0c6e156cd"
    assert usdt.is_signed({**fields, "signature": "1CD4B52DF5587CFB1968B0C0C6E156CD"}, token, verb=verb) is True
    assert (
        usdt.is_signed({**fields, "amount": 43, "signature": "1cd4b52df5587cfb1968b0c0c6e156cd"}, token, verb=verb)
        is False
    )
    assert usdt.is_signed(fields, token, verb=verb) is False


@pytest.mark.parametrize(
    ("number", "as_f", "as_v"),
    [
        (42, "42", "42"), (28.88, "28.88", "28.88"), (0.1 + 0.2, "0.30000000000000004", "0.30000000000000004"),
        (100000, "100000", "100000"), (999999.5, "999999.5", "999999.5"), (1000000, "1000000", "1e+06"),
        (1234567.8, "1234567.8", "1.2345678e+06"), (0.0001, "0.0001", "0.0001"), (0.00001, "0.00001", "1e-05"),
        (0, "0", "0"), (-1.5, "-1.5", "-1.5"), (1e22, "10000000000000000000000", "1e+22"),
    ],
)  # fmt: skip
def test_numbers_as_go_prints_them(number: float, as_f: str, as_v: str) -> None:
    assert (usdt.go_float(float(number), "f"), usdt.go_float(float(number), "v")) == (as_f, as_v)


def test_stripe_by_openssl() -> None:
    body, secret = b'{"id":"evt_1"}', "whsec_test"
    good = "7656fc2882a7ca0a651666b36bf2f2f22ee204f54f608f227498a2419f2890b2"
    now_s = 1492774577
    assert stripe.is_signed(f"t={now_s},v1={good}", body, secret, now_s=now_s + 300) is True
    assert stripe.is_signed(f"t={now_s}, v1={'0' * 64}, v1={good},v0=x", body, secret, now_s=now_s) is True
    assert stripe.is_signed(f"t={now_s},v1={good}", body, secret, now_s=now_s + 301) is False
    assert stripe.is_signed(f"t={now_s},v1={good}", body, secret, now_s=now_s - 301) is False
    assert stripe.is_signed(f"t={now_s},v0={good}", body, secret, now_s=now_s) is False
    assert stripe.is_signed(f"t={now_s},t={now_s},v1={good}", body, secret, now_s=now_s) is False
    assert stripe.is_signed(f"t={now_s},v1={good}", body + b" ", secret, now_s=now_s) is False
    assert stripe.is_signed("", body, secret, now_s=now_s) is False


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("1", 100), ("1.5", 150), ("1.50", 150), ("0.01", 1), (" 2 ", 200), ("1E+2", 10000), ("0", 0),
        ("1.005", None), ("-1", None), ("NaN", None), ("Infinity", None), ("", None), ("一", None), ("1e99", None),
        ("1,00", None),
    ],
)  # fmt: skip
def test_money_as_others_write_it(text: str, minor: int | None) -> None:
    assert minor_of(text) == minor


@given(st.integers(0, 10**12))
def test_money_comes_back(amount_minor: int) -> None:
    assert minor_of(decimal_of(amount_minor)) == amount_minor
    assert minor_of(shortest_of(amount_minor)) == amount_minor
    assert shortest_of(amount_minor) == f"{amount_minor / 100:.2f}".rstrip("0").rstrip(".")


@pytest.mark.parametrize("text", ["", "no key", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"])
def test_what_is_no_key_is_named_and_not_shown(text: str) -> None:
    for read in (keys.private_key, keys.public_key, keys.certificate):
        with pytest.raises(ValueError, match=r"^the_field$"):
            read({"the_field": text}, "the_field")
