"""Forms: every field read by itself, so that a page shows all that is wrong at once.

A form is a tuple of ``Field``s; ``read`` gives what was meant (``values``), what was sent (``sent``: shown again) and
what is wrong with each (``errors``, in the page's language). A verb's refusal lands at its field by ``refused``.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from kameng.kit import money
from kameng.kit.errors import Refusal
from kameng.web.answering import message_of
from kameng.web.parts import AnyRequest
from kameng.web.wording import N_, Words

TEXT_CHARS_MAX = 200


class Wrong(Exception):
    """A field can't be taken; ``msgid`` says why, ``values`` fill it."""

    def __init__(self, msgid: str, **values: object) -> None:
        super().__init__(msgid)
        self.msgid = msgid
        self.values = values


class Field(msgspec.Struct, frozen=True):
    """``parse`` makes the value of what was sent, stripped, or raises ``Wrong``."""

    name: str
    parse: Callable[[str], Any]
    required: bool = True
    empty: Any = None
    """The value where nothing was sent and nothing has to be."""
    keep_spaces: bool = False


class Filled(msgspec.Struct):
    """A form as it came in."""

    words: Words
    values: dict[str, Any] = {}
    sent: dict[str, str] = {}
    errors: dict[str, str] = {}
    general: str = ""

    def __bool__(self) -> bool:
        """Whether it can be acted on."""
        return not self.errors and not self.general

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def refused(self, refusal: Refusal, fields: Mapping[str, str] | None = None) -> Filled:
        """A verb refused: at its field, if the form has it (``fields``: a verb's name → ours), else above all."""
        message, name = message_of(refusal, self.words), (fields or {}).get(refusal.field, refusal.field)
        if name in self.sent or name in self.values:
            self.errors[name] = message
        else:
            self.general = message
        return self

    def wrong(self, name: str, msgid: str, **values: object) -> Filled:
        self.errors[name] = self.words.say(msgid, **values)
        return self


def blank(words: Words, **sent: object) -> Filled:
    """A form nobody has sent yet, filled in with what stands already."""
    return Filled(words, sent={name: "" if value is None else str(value) for name, value in sent.items()})


def new_token() -> str:
    """A form's own reference, before there is anything it could refer to: pressed twice it is one act."""
    return f"web-{secrets.token_urlsafe(12)}"


async def read(request: AnyRequest, words: Words, fields: Iterable[Field]) -> Filled:
    """A form that was sent."""
    data = await request.form()
    return parse({name: value for name, value in data.items() if isinstance(value, str)}, words, fields)


def parse(data: Mapping[str, str], words: Words, fields: Iterable[Field]) -> Filled:
    filled = Filled(words, {}, {}, {})
    for field in fields:
        text = data.get(field.name, "")
        text = text if field.keep_spaces else text.strip()
        filled.sent[field.name] = text
        if not text:
            filled.values[field.name] = field.empty
            if field.required:
                filled.errors[field.name] = words.say("Please fill this in.")
            continue
        try:
            filled.values[field.name] = field.parse(text)
        except Wrong as wrong:
            filled.errors[field.name] = words.say(wrong.msgid, **wrong.values)
    return filled


# what fields hold --------------------------------------------------------------------------------------------


def text(most: int = TEXT_CHARS_MAX, *, least: int = 1, lines: bool = False) -> Callable[[str], str]:
    def parse_text(sent: str) -> str:
        if not least <= len(sent) <= most:
            raise Wrong(N_("%(least)s to %(most)s characters, please."), least=least, most=most)
        shown = sent.replace("\r\n", "\n").replace("\n", " ").replace("\t", " ") if lines else sent
        if not shown.isprintable():
            raise Wrong(N_("There is a character here that can't be shown."))
        return sent.replace("\r\n", "\n")

    return parse_text


def whole(least: int, most: int) -> Callable[[str], int]:
    def parse_whole(sent: str) -> int:
        plain = sent.replace(",", "")
        if not plain.lstrip("-").isdecimal() or not least <= int(plain) <= most:
            raise Wrong(N_("A whole number from %(least)s to %(most)s, please."), least=f"{least:,}", most=f"{most:,}")
        return int(plain)

    return parse_whole


def amount(*, least_e4: int = 1, most_e4: int = 10**9 * 10_000) -> Callable[[str], int]:
    """Money, in 1/10,000: ``1,234.5`` or ``¥12``."""

    def parse_amount(sent: str) -> int:
        try:
            amount_e4 = money.parse_e4(sent.replace(",", "").lstrip("¥￥").strip())
        except ValueError:
            raise Wrong(N_("An amount like 98.50, please.")) from None
        if not least_e4 <= amount_e4 <= most_e4:
            raise Wrong(
                N_("From %(least)s to %(most)s, please."),
                least=money.format_e4(least_e4),
                most=money.format_e4(most_e4),
            )
        return amount_e4

    return parse_amount


def one_of(*choices: str) -> Callable[[str], str]:
    def parse_choice(sent: str) -> str:
        if sent not in choices:
            raise Wrong(N_("Choose one of those offered, please."))
        return sent

    return parse_choice


def checked(sent: str) -> bool:
    return sent in ("on", "1", "true", "yes")
