"""What a browser says of itself, in two words. Pure; only for people to recognise their devices by."""

from __future__ import annotations

import re

import msgspec

_BROWSERS = (
    ("MicroMessenger", "WeChat", "微信"), ("DingTalk", "DingTalk", "钉钉"), ("AlipayClient", "Alipay", "支付宝"),
    ("QQBrowser", "QQ Browser", "QQ 浏览器"), (" QQ/", "QQ", "QQ"), ("UCBrowser", "UC Browser", "UC 浏览器"),
    ("HuaweiBrowser", "Huawei Browser", "华为浏览器"), ("MiuiBrowser", "Mi Browser", "小米浏览器"),
    ("VivoBrowser", "vivo Browser", "vivo 浏览器"), ("HeyTapBrowser", "OPPO Browser", "OPPO 浏览器"),
    ("SamsungBrowser", "Samsung Browser", "三星浏览器"), ("Quark", "Quark", "夸克"), ("Edg/", "Edge", "Edge"),
    ("OPR/", "Opera", "Opera"), ("Firefox/", "Firefox", "Firefox"), ("FxiOS", "Firefox", "Firefox"),
    ("CriOS", "Chrome", "Chrome"), ("Chrome/", "Chrome", "Chrome"), ("Safari/", "Safari", "Safari"),
    ("curl/", "curl", "curl"), ("Python", "Python", "Python"),
)  # fmt: skip
_SYSTEMS = (
    ("HarmonyOS", "HarmonyOS", True), ("OpenHarmony", "HarmonyOS", True), ("iPhone", "iPhone", True),
    ("iPad", "iPad", True), ("Android", "Android", True), ("Windows", "Windows", False), ("Macintosh", "macOS", False),
    ("CrOS", "ChromeOS", False), ("Linux", "Linux", False),
)  # fmt: skip
"""What each is known by, its name, and whether it is held in the hand; the first that fits."""
_VERSION = re.compile(r"[/ ]?([0-9]{1,4})")
_OF_SAFARI = re.compile(r"Version/([0-9]{1,4})")


class Device(msgspec.Struct, frozen=True):
    """Empty words where it said nothing that is known."""

    browser_zh: str
    browser_en: str
    system: str
    in_hand: bool

    def text(self, language: str) -> str:
        browser = self.browser_zh if language == "zh" else self.browser_en
        return " · ".join(word for word in (browser, self.system) if word)


def read_device(agent: str) -> Device:
    system, in_hand = next(((name, hand) for mark, name, hand in _SYSTEMS if mark in agent), ("", False))
    for mark, en, zh in _BROWSERS:
        at = agent.find(mark)
        if at >= 0:
            found = _OF_SAFARI.search(agent) if en == "Safari" else _VERSION.match(agent, at + len(mark))
            version = f" {found[1]}" if found else ""
            return Device(zh + version, en + version, system, in_hand)
    return Device("", "", system, in_hand)
