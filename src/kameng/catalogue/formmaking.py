"""Order forms made at the desk (下单模板): fields put together from those there are and from new ones.

A form and its fields are written once: what an order was asked for stays readable, and a correction is another form. A
new field's name tells its class of private data, so that any process knows what must be hidden or wiped, whether or not
it ever read the field. Patterns are of a kind that no text makes slow.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, get_args

import msgspec

from kameng.catalogue import forms, store
from kameng.catalogue.errors import BadOrderForm
from kameng.catalogue.forms import DESK_CLASSES, Field, Form, Widget
from kameng.catalogue.model import DeskForm
from kameng.kit import audit, clock, lanes
from kameng.kit.db import Database

FIELDS_MAX = 12
LABEL_CHARS_MAX = 30
LENGTH_MAX = 200
OPTIONS_MAX = 100
PATTERN_CHARS_MAX = 100
REPEATS_MAX = 3
"""Parts of a pattern that may be of any length: more of them could make a text slow to refuse."""

Shape = Literal["text", "digits", "letters_digits", "options", "pattern"]
SHAPES: tuple[Shape, ...] = get_args(Shape)
_TEXT = forms.WORDS_PATTERN
_NAME = re.compile(r"[a-z0-9_]{1,30}")
_ATOM = re.compile(r"\[\^?[^\[\]\\]+\]|\\[dw]|[A-Za-z0-9\u4e00-\u9fff@#_=:/ -]|\\\.")
_REPEAT = re.compile(r"\{[0-9]{1,3}(,[0-9]{1,3})?\}|[?*+]")


class NewField(msgspec.Struct, frozen=True):
    """A field as somebody wishes it. ``name`` alone: one that is there already."""

    name: str
    label: str = ""
    label_en: str = ""
    data_class: str = "public"
    shape: str = "text"
    pattern: str = ""
    options: tuple[str, ...] = ()
    min_length: int = 1
    max_length: int = 40
    required: bool = True
    is_new: bool = True


def field_from(wish: NewField) -> Field:
    """The field that a wish comes to; ``BadOrderForm`` says what is wrong with it."""
    where = wish.label or wish.name
    if not _NAME.fullmatch(wish.name):
        raise _wrong("name", f"{where}: a to z, 0 to 9 and _, 30 at most", f"{where}：标识应为小写字母、数字或下划线")
    if wish.data_class not in DESK_CLASSES:
        raise _wrong("data_class", f"one of {', '.join(DESK_CLASSES)}", f"{where}：隐私类别不支持")
    for label in (wish.label, wish.label_en or wish.label):
        if not (label.strip() and len(label) <= LABEL_CHARS_MAX and label.isprintable()):
            raise _wrong(
                "label", f"1 to {LABEL_CHARS_MAX} characters", f"{where}：名称应为 1 至 {LABEL_CHARS_MAX} 个字符"
            )
    if not 1 <= wish.min_length <= wish.max_length <= LENGTH_MAX:
        raise _wrong("max_length", f"{where}: 1 to {LENGTH_MAX}", f"{where}：长度应在 1 至 {LENGTH_MAX} 之间")
    pattern, widget, options = _shape_of(wish, where)
    return Field(
        f"x_{wish.data_class}_{wish.name}", wish.label, wish.label_en or wish.label, widget, pattern,
        wish.min_length, wish.max_length, required=wish.required, data_class=wish.data_class,
        cleaning="text" if wish.shape in ("text", "options") else "code", options=options,
    )  # fmt: skip


def _shape_of(wish: NewField, where: str) -> tuple[str, Widget, tuple[str, ...]]:
    widget: Widget = "password" if wish.data_class == "password" else "text"
    if wish.shape == "digits":
        return "[0-9]+", widget if widget == "password" else "number", ()
    if wish.shape == "letters_digits":
        return "[A-Za-z0-9]+", widget, ()
    if wish.shape == "options":
        options = tuple(dict.fromkeys(option.strip() for option in wish.options if option.strip()))
        if not 1 <= len(options) <= OPTIONS_MAX or max(map(len, options)) > wish.max_length:
            raise _wrong(
                "options", f"{where}: 1 to {OPTIONS_MAX}, each within the length", f"{where}：选项数量或长度有误"
            )
        return "|".join(map(re.escape, options)), "select", options
    if wish.shape == "pattern":
        check_pattern(wish.pattern, where)
        return wish.pattern, widget, ()
    if wish.shape == "text":
        return _TEXT, widget, ()
    raise _wrong("shape", f"one of {', '.join(SHAPES)}", f"{where}：格式不支持")


def check_pattern(pattern: str, where: str = "") -> None:
    """``BadOrderForm`` unless it is characters and classes with repeats, side by side or by ``|``, and few of any
    length: nothing nested, so no text makes it slow."""
    if not 1 <= len(pattern) <= PATTERN_CHARS_MAX:
        raise _wrong(
            "pattern", f"1 to {PATTERN_CHARS_MAX} characters", f"{where}：表达式应为 1 至 {PATTERN_CHARS_MAX} 个字符"
        )
    for branch in pattern.split("|"):
        place = repeats = 0
        while place < len(branch):
            atom = _ATOM.match(branch, place)
            if atom is None:
                raise _wrong("pattern", f"{where}: characters, [classes], repeats and | only",
                             f"{where}：表达式仅支持字符、[字符集]、重复次数与 |")  # fmt: skip
            place = atom.end()
            repeat = _REPEAT.match(branch, place)
            if repeat is not None:
                repeats += "," in repeat[0] or repeat[0] in "?*+"
                place = repeat.end()
        if repeats > REPEATS_MAX or not branch:
            raise _wrong("pattern", f"{where}: at most {REPEATS_MAX} repeats of any length, no empty branch",
                         f"{where}：不定长重复最多 {REPEATS_MAX} 处，且不能有空分支")  # fmt: skip
    try:
        re.compile(pattern)
    except re.error:
        raise _wrong("pattern", f"{where}: no pattern", f"{where}：表达式无法识别") from None


def form_from(name: str, wishes: Sequence[NewField]) -> Form:
    """The form that wishes come to, for a preview as for making it."""
    if not _NAME.fullmatch(name):
        raise _wrong("form", "a to z, 0 to 9 and _, 30 at most", "模板标识应为小写字母、数字或下划线，最多 30 位")
    if not 1 <= len(wishes) <= FIELDS_MAX:
        raise _wrong("fields", f"1 to {FIELDS_MAX} fields", f"应有 1 至 {FIELDS_MAX} 项")
    found = []
    for wish in wishes:
        if wish.is_new:
            found.append(field_from(wish))
        elif (known := forms.FIELDS.get(wish.name)) is not None:
            found.append(known)
        else:
            raise _wrong("name", f"there is no field {wish.name[:40]!r}", f"没有名为“{wish.name[:40]}”的项")
    names = [field.name for field in found]
    if len(set(names)) < len(names):
        raise _wrong("fields", "each field once", "同一项不能出现两次")
    return Form(f"form_{name}", tuple(found))


async def make_form(db: Database, name: str, title: str, wishes: Sequence[NewField], *, actor_id: int) -> Form:
    """Make a form; a name that is taken is refused, whatever it stands for."""
    form = form_from(name, wishes)
    if not (title.strip() and len(title) <= 60 and title.isprintable()):
        raise _wrong("title", "1 to 60 characters", "名称应为 1 至 60 个字符")
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, 0, id_count=1)
        at = clock.now()
        for field, wish in zip(form.fields, wishes, strict=True):
            if wish.is_new and not await store.insert_field(connection, field):
                raise _wrong("name", f"{wish.name} is taken", f"标识 {wish.name} 已被使用")
        if not await store.insert_form(connection, DeskForm(form.name, title, tuple(f.name for f in form.fields), at,
                                                            actor_id)):  # fmt: skip
            raise _wrong("form", f"{name} is taken", f"模板标识 {name} 已被使用")
        await audit.note(connection, 0, at, [
            audit.Line(passage.ids[0], 0, actor_id, "form.make", 0, {"form": form.name, "title": title})
        ])  # fmt: skip
    forms.learn(form.fields, {form.name: tuple(field.name for field in form.fields)})
    return form


async def desk_forms(db: Database) -> list[DeskForm]:
    """Newest first; this process knows them from here on."""
    async with db.connection() as connection:
        await store.learn_all_forms(connection)
        return await store.all_forms(connection)


def _wrong(field: str, en: str, zh: str) -> BadOrderForm:
    return BadOrderForm(en, field=field, detail_zh=zh)
