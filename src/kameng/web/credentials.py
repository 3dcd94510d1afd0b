"""What a payment channel's account is asked for in a form: credentials go in, are sealed, and are never shown again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kameng import payments
from kameng.channels import ProtocolSpec
from kameng.kit.errors import Refusal
from kameng.web import forms
from kameng.web.errors import NoSuchPage
from kameng.web.forms import Field, Filled, Wrong
from kameng.web.parts import AnyRequest, door_of
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

SECRET_CHARS_MAX = 10_000


def fields_of(spec: ProtocolSpec) -> tuple[Field, ...]:
    """Never among a form's other names: a credential may be called as a setting is."""
    return tuple(
        Field(f"c_{one.name}", _credential(one.choices), required=one.is_needed and not one.choices, empty="")
        for one in spec.fields
    )


async def read_new(
    request: AnyRequest, specs: Mapping[str, ProtocolSpec], fields: Sequence[Field]
) -> tuple[ProtocolSpec, Filled]:
    """A new account's form: what it asks depends on the protocol that stands in it. ``NoSuchPage`` for another one."""
    sent = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    spec = specs.get(sent.get("protocol", ""))
    if spec is None:
        raise NoSuchPage
    return spec, forms.parse(sent, viewer_of(request).words, (*fields, *fields_of(spec)))


def forget(spec: ProtocolSpec, form: Filled) -> None:
    """What was typed as a credential is never sent back."""
    form.sent |= {f"c_{one.name}": "" for one in spec.fields}


async def seal(request: AnyRequest, channel_id: int, spec: ProtocolSpec) -> Filled:
    """Other credentials, all of them, if the form that comes back has no fault."""
    viewer, door = viewer_of(request), door_of(request)
    form = await forms.read(request, viewer.words, fields_of(spec))
    if form:
        try:
            await payments.seal_channel(
                door.db, door.ring, channel_id, given(spec, form), actor_id=viewer.person_id
            )
        except Refusal as refusal:
            form.refused(refusal, names(spec))
    form.sent = dict.fromkeys(form.sent, "")
    return form


async def unreadable(request: AnyRequest, channel_id: int) -> str | None:
    """The field of an account that can't be read, None if it opens. To open one holds the loop for its private key, so
    that is done only where the one that this process keeps did not open."""
    door = door_of(request)
    if await door.cashier.channels.adapter(channel_id) is not None:
        return None
    return await payments.try_channel(door.db, door.ring, channel_id)


def names(spec: ProtocolSpec) -> dict[str, str]:
    """The fields of a refusal, as the form calls them."""
    return {one.name: f"c_{one.name}" for one in spec.fields if one.name != "name"}


def given(spec: ProtocolSpec, form: Filled) -> dict[str, str]:
    return {one.name: form[f"c_{one.name}"] for one in spec.fields if form[f"c_{one.name}"]}


def _credential(choices: tuple[str, ...]) -> Any:
    if choices:
        return forms.one_of(*choices)

    def parse(sent: str) -> str:
        if len(sent) > SECRET_CHARS_MAX:
            raise Wrong(N_("%(least)s to %(most)s characters, please."), least=1, most=SECRET_CHARS_MAX)
        return sent.replace("\r\n", "\n")

    return parse
