"""What people type, and what browsers say of themselves."""

from __future__ import annotations

import pytest

from kameng.access import read_contact, read_device


@pytest.mark.parametrize(
    ("typed", "channel", "to", "masked"),
    [
        ("13800138000", "sms", "13800138000", "138****8000"),
        (" +86 138-0013-8000 ", "sms", "13800138000", "138****8000"),
        ("008613800138000", "sms", "13800138000", "138****8000"),
        ("１３８００１３８０００", "sms", "13800138000", "138****8000"),
        ("Wang@Example.COM", "mail", "wang@example.com", "w***@example.com"),
    ],
)
def test_a_contact_is_read_as_people_type_it(typed: str, channel: str, to: str, masked: str) -> None:
    contact = read_contact(typed)
    assert contact is not None
    assert (contact.channel, contact.to, contact.masked) == (channel, to, masked)
    assert to not in repr(contact)


@pytest.mark.parametrize(
    "typed",
    ["", "12345678901", "wang", "wang@", "@example.com", "a b@example.com", "a@b", "a@b.c\r\nBcc: d@e.fr", "a" * 300],
)
def test_what_is_no_contact(typed: str) -> None:
    assert read_contact(typed) is None


@pytest.mark.parametrize(
    ("agent", "zh", "en"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 "
            "Safari/537.36", "Chrome 140 · Windows", "Chrome 140 · Windows",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 "
            "Safari/537.36 Edg/140.0.0.0", "Edge 140 · Windows", "Edge 140 · Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Mobile/15E148 MicroMessenger/8.0.50(0x18003232)", "微信 8 · iPhone", "WeChat 8 · iPhone",
        ),
        (
            "Mozilla/5.0 (Linux; Android 14; HarmonyOS; ALN-AL00) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/114.0 HuaweiBrowser/15.0.4 Mobile Safari/537.36", "华为浏览器 15 · HarmonyOS",
            "Huawei Browser 15 · HarmonyOS",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/17.0 Safari/605.1.15", "Safari 17 · macOS", "Safari 17 · macOS",
        ),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Firefox/130.0", "Firefox 130 · Linux", "Firefox 130 · Linux"),
        ("", "", ""),
        ("<script>", "", ""),
    ],
)  # fmt: skip
def test_a_device_is_named_in_two_words(agent: str, zh: str, en: str) -> None:
    device = read_device(agent)
    assert (device.text("zh"), device.text("en")) == (zh, en)
