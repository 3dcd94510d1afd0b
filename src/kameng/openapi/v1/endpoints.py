"""What the Open API says of each of its endpoints: the guard, the document and the tests read the same lines."""

from __future__ import annotations

from typing import Any

import msgspec

from kameng import identity
from kameng.kit.errors import Refusal
from kameng.openapi import errors

ANY = (errors.NotReady, errors.Unavailable, errors.Internal)
"""What any endpoint may answer, signed or not."""

SIGNED = (
    identity.SignatureMissing, identity.SignatureMalformed, identity.SignatureWrong, identity.SignatureExpired,
    identity.NonceUsed, identity.KeyRevoked, identity.ContentDigestWrong, identity.OrganisationSuspended,
    identity.IpNotAllowed, identity.RateLimited, errors.BodyTooLarge, errors.RequestTooSlow,
)  # fmt: skip
"""What every signed endpoint may answer besides."""


class Reply(msgspec.Struct, frozen=True):
    """One good answer: its status, the type of its body (several: any of them; None: none), and a true example."""

    status: int
    body: Any
    en: str
    example: Any = None
    media_type: str = "application/json"


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    operation: str
    tag: str
    zh: str
    en: str
    text: str = ""
    replies: tuple[Reply, ...]
    signed: bool = True
    scope: str | None = None
    write: bool = False
    """Whether its nonce is spent in the database, and its signature may be up to 300 s off."""
    path: dict[str, str] = {}
    """The parameters in the path, each with its sentence."""
    query: Any = None
    body: Any = None
    body_example: Any = None
    upload: str = ""
    """What the body is, if it is a file and not JSON."""
    refusals: tuple[type[Refusal], ...] = ()

    def every_refusal(self) -> list[type[Refusal]]:
        """All that it may answer, its own first."""
        found = [*self.refusals]
        if self.query is not None or self.body is not None:
            found.append(errors.BadRequest)
        if self.signed:
            found += SIGNED
        if self.scope is not None:
            found.append(identity.ScopeMissing)
        return list(dict.fromkeys([*found, *ANY]))


def says(**facts: Any) -> dict[str, Endpoint]:
    """The ``opt`` of a handler."""
    return {"endpoint": Endpoint(**facts)}
