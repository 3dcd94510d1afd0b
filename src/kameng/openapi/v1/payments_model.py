"""What goes over the wire about payments through channels and recharges; the common words are ``model``'s."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from kameng.openapi.v1.model import PAGE, Cursor, Id, Limit, Moment, Money

MethodName = Annotated[
    Literal["wechat", "alipay", "unionpay", "qqpay", "card", "paypal", "usdt", "bank"],
    Meta(description="What is paid with."),
]
SceneName = Annotated[
    Literal["qr", "page", "wap", "jsapi", "code"],
    Meta(description="Where it is paid: a code to scan, a browser, a phone's browser, a page in the provider's app, "
                     "or the payer's own code, scanned by you."),
]  # fmt: skip
Asked = Annotated[
    str, Meta(pattern=r"^[0-9]{1,12}(\.[0-9]{1,2})?$", description="A decimal above zero, whole in fen.",
              examples=["500.00"])
]  # fmt: skip
StateName = Literal["created", "waiting", "unknown", "failed", "closed", "paid", "refunded"]


class PayBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    method: MethodName
    scene: SceneName = "qr"
    wallet: (
        Annotated[Asked, Meta(description="So much of it from your wallet; a channel brings the rest.")] | UnsetType
    ) = UNSET
    return_url: Annotated[
        str, Meta(max_length=500, pattern="^https?://", description="Where the payer comes back to.")
    ] | (UnsetType) = UNSET
    auth_code: Annotated[str, Meta(min_length=10, max_length=64, description="The payer's own code, for `code`.")] | (
        UnsetType
    ) = UNSET
    payer_id: Annotated[str, Meta(max_length=128, description="The payer's openid, for `jsapi`.")] | UnsetType = UNSET
    another: Annotated[
        bool, Meta(description="What was shown does not work for the payer: begin anew, through a channel that was not "
                               "tried for it, if there is one. What was open before is closed at its provider; money "
                               "that still comes there goes back by itself.")
    ] = False  # fmt: skip
    client_ip: (
        Annotated[
            str, Meta(max_length=45, description="The payer's address; without it, yours, and his region is unknown.")
        ] | UnsetType
    ) = UNSET  # fmt: skip
    device: Annotated[
        Literal["desktop", "phone", "wechat"],
        Meta(description="What the payer has before him; `wechat`: a page inside WeChat. Rules may speak of it."),
    ] | (UnsetType) = UNSET
    bank: Annotated[
        str,
        Meta(pattern="^[A-Z0-9_]{2,20}$", description="The code of the payer's bank, where it is known before he pays. "
             "Rules may choose a channel by it.", examples=["ICBC"]),
    ] | (UnsetType) = UNSET  # fmt: skip
    bin: Annotated[
        str,
        Meta(pattern="^[0-9]{4,11}$", description="How the number of the payer's card begins; never the whole number. "
             "Rules may choose a channel by it.", examples=["622202"]),
    ] | (UnsetType) = UNSET  # fmt: skip


class RechargeBody(PayBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    client_ref: Annotated[str, Meta(min_length=1, max_length=64, description="Your reference, once for each recharge.")]
    amount: Asked


class RechargesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    cursor: Cursor | UnsetType = UNSET
    limit: Limit = PAGE


class ShownBody(msgspec.Struct, frozen=True):
    """What the payer is shown or led to."""

    kind: Annotated[
        str, Meta(description="`qr`: a text to draw as a code; `redirect`: an address; `form`: fields to post to an "
                              "address; `jsapi`: JSON for the provider's script; `transfer`: facts to read.")
    ]  # fmt: skip
    text: str
    fields: dict[str, str]


class PaymentView(msgspec.Struct, frozen=True):
    """One attempt to pay."""

    id: Id
    number: Annotated[str, Meta(description="What the provider knows it by.")]
    attempt: int
    method: str
    scene: str
    amount: Money
    currency: str
    state: Annotated[StateName, Meta(description="`unknown`: the provider gave no answer; it is asked.")]
    refunded: Money
    expires_at: Moment
    paid_at: Moment | None
    shown: ShownBody | None


class PaymentsAnswer(msgspec.Struct, frozen=True):
    payments: list[PaymentView]


class RechargeView(msgspec.Struct, frozen=True):
    id: Id
    client_ref: str
    amount: Money
    bonus: Money
    currency: str
    state: Literal["open", "paid", "closed"]
    expires_at: Moment
    payments: list[PaymentView]


class RechargesAnswer(msgspec.Struct, frozen=True):
    recharges: list[RechargeView]
    next_cursor: str | None
