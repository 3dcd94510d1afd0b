"""Jinja2 as our pages use it: escaped, words by gettext, money and times by filters. Templates compose macros only."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from kameng.kit import clock, money
from kameng.web.assets import Library
from kameng.web.wording import WORDS, Words

TEMPLATES = Path(__file__).parent / "templates"
SIGNS = {"CNY": "¥", "XTS": "¤", "USD": "$"}


def environment(library: Library) -> jinja2.Environment:
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined, extensions=["jinja2.ext.i18n", "jinja2.ext.do"], auto_reload=False,
    )  # fmt: skip
    env.globals |= {"asset": library.address, "has_asset": library.has, "_": _say, "gettext": _say, "ngettext": _plural}
    env.filters |= {
        "money": format_money, "amount": format_amount, "decimal": money.format_e4, "when": _when, "ago": _ago,
        "phone": format_phone, "clock": _clock, "number": format_number, "percent": format_percent,
        "initial": _initial, "round_up": round_up, "as_series": _as_series,
    }  # fmt: skip
    return env


def _words(context: Context) -> Words:
    found: Words = context["viewer"].words if "viewer" in context else WORDS[context["language"]]
    return found


@pass_context
def _say(context: Context, msgid: str, **values: Any) -> str:
    """A text of the page's language. The text itself is ours; what is put into it is escaped."""
    text: str = _words(context).texts.get(msgid, msgid)
    return Markup(text) % values if values else text  # noqa: S704 - from our own files


@pass_context
def _plural(context: Context, one: str, many: str, count: int, **values: Any) -> str:
    text = _words(context).texts.get(one) or (one if count == 1 else many)
    return Markup(text) % {"count": count, **values}  # noqa: S704 - from our own files


def format_amount(amount_e4: int) -> str:
    """``1,234.50``; decimals beyond fen only where there are any."""
    sign, whole = "-" if amount_e4 < 0 else "", abs(amount_e4)
    decimals = f"{whole % 10_000:04d}".rstrip("0").ljust(2, "0")
    return f"{sign}{whole // 10_000:,}.{decimals}"


def format_money(amount_e4: int, currency: str = "CNY") -> str:
    """``¥1,234.50``, ``-¥3.00``."""
    text = format_amount(amount_e4)
    sign = SIGNS.get(currency, f"{currency} ")
    return f"-{sign}{text[1:]}" if text.startswith("-") else sign + text


def format_number(number: int) -> str:
    return f"{number:,}"


def format_percent(part: float, digits: int = 1) -> str:
    """``0.053`` → ``5.3%``."""
    return f"{part * 100:.{digits}f}%"


def format_phone(number: str) -> str:
    """3-4-4, as phone numbers are read in China; anything else as it is."""
    return f"{number[:3]} {number[3:7]} {number[7:]}" if len(number) == 11 and number.isdecimal() else number


def round_up(number: int | str) -> int:
    """The next of 1, 2, 5, 10, 20, 50 …: where an axis ends."""
    wanted, step = max(1, int(str(number).strip() or 1)), 1
    while True:
        for times in (1, 2, 5):
            if step * times >= wanted:
                return step * times
        step *= 10


def _as_series(series: list[tuple[str, list[int], str]]) -> list[dict[str, Any]]:
    """As charts.js takes them."""
    return [{"label": label, "values": values, "tone": tone} for label, values, tone in series]


def _initial(text: str) -> str:
    """What stands in a round picture of who has none."""
    return text.strip()[:1].upper() or "?"


def _when(at: datetime | None, style: str = "minute") -> Markup:
    """A ``<time>`` in China's time: ``minute``, ``second`` or ``day``."""
    if at is None:
        return Markup("–")
    shape = {"minute": "%Y-%m-%d %H:%M", "second": "%Y-%m-%d %H:%M:%S", "day": "%Y-%m-%d", "short": "%m-%d %H:%M"}
    shown = at.astimezone(clock.CHINA).strftime(shape[style])
    return Markup('<time datetime="{}">{}</time>').format(clock.rfc3339(at), shown)


def _clock(at: datetime) -> str:
    """``14:05`` in China."""
    return at.astimezone(clock.CHINA).strftime("%H:%M")


@pass_context
def _ago(context: Context, at: datetime) -> Markup:
    """``3 minutes ago``, the exact time on a look."""
    past = max(clock.now() - at, timedelta(0))
    words = _words(context)
    minutes = past // timedelta(minutes=1)
    if minutes < 1:
        said = words.say("just now")
    elif minutes < 60:
        said = words.plural("%(count)s minute ago", "%(count)s minutes ago", minutes)
    elif minutes < 24 * 60:
        said = words.plural("%(count)s hour ago", "%(count)s hours ago", minutes // 60)
    else:
        said = words.plural("%(count)s day ago", "%(count)s days ago", minutes // 1440)
    exact = at.astimezone(clock.CHINA).strftime("%Y-%m-%d %H:%M:%S")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(clock.rfc3339(at), exact, said)
