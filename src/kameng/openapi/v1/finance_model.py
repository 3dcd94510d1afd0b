"""What goes over the wire about statements, withdrawals and price changes; the common words are ``model``'s."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from kameng.openapi.v1.model import PAGE, Cursor, Id, Limit, Moment, Money, SkuCode

Day = Annotated[
    str, Meta(pattern="^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$", description="A day in China (UTC+8).")
]
FirstDay = Annotated[Day, Meta(description="The first day, in China (UTC+8); without it, the last one.")]
LastDay = Annotated[Day, Meta(description="The last day; without it, today. At most 366 days.")]


class StatementsQuery(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"first": "from", "last": "to"}
):
    by: Annotated[
        Literal["day", "product", "customer"], Meta(description="What is added up together.", examples=["day"])
    ] = "day"
    first: FirstDay | UnsetType = UNSET
    last: LastDay | UnsetType = UNSET


class StatementsFileQuery(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"first": "from", "last": "to"}
):
    by: Annotated[
        Literal["day", "product", "customer", "line"], Meta(description="What is added up together; `line`: nothing.")
    ] = "day"
    first: FirstDay | UnsetType = UNSET
    last: LastDay | UnsetType = UNSET


class EntryBody(msgspec.Struct, frozen=True, rename={"in_": "in"}):
    """What one code moved."""

    code: Annotated[str, Meta(examples=["sale", "recharge", "refund", "adjustment", "withdrawal"])]
    count: int
    in_: Money
    refunded: Money
    out: Money


class SectionBody(msgspec.Struct, frozen=True):
    """A day, a product or a customer."""

    key: Annotated[str, Meta(description="The day, the SKU (empty: belongs to no order) or the organisation.")]
    name: str
    entries: list[EntryBody]
    opening: Annotated[Money | None, Meta(description="Null where a balance makes no sense: of a product.")]
    closing: Money | None


class StatementsAnswer(msgspec.Struct, frozen=True, rename={"in_": "in", "first": "from", "last": "to"}):
    """opening + in + refunded − out = closing, to the last decimal."""

    currency: str
    by: str
    first: str
    last: str
    final: Annotated[bool, Meta(description="Whether nothing can be added any more: its days are over.")]
    sections: list[SectionBody]
    opening: Money
    in_: Money
    refunded: Money
    out: Money
    closing: Money


class PayeeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to pay. Sealed where it is kept; nobody is shown more than its ends."""

    method: Literal["bank", "alipay"]
    name: Annotated[str, Meta(min_length=1, max_length=50)]
    account: Annotated[
        str, Meta(min_length=5, max_length=129, description="A bank account's digits; Alipay's phone number or mail.")
    ]
    bank: Annotated[str, Meta(max_length=50, description="The bank; needed with `bank`.")] = ""


class WithdrawalBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    client_ref: Annotated[
        str, Meta(min_length=1, max_length=64, description="Your own number: one withdrawal, for ever.")
    ]
    amount: Annotated[str, Meta(pattern=r"^[0-9]{1,11}(\.[0-9]{1,2})?$", description="What leaves your wallet.")]
    payee: PayeeBody


class WithdrawalView(msgspec.Struct, frozen=True):
    id: Id
    client_ref: str
    amount: Annotated[Money, Meta(description="What leaves your wallet; the payee gets it less the fee.")]
    fee: Money
    currency: str
    payee: Annotated[str, Meta(description="Masked.", examples=["招商银行 张* ****5678"])]
    state: Literal["requested", "checked", "approved", "paying", "paid", "refused", "cancelled", "failed"]
    sequence: Annotated[int, Meta(description="Rises with every change; of two views the higher one is newer.")]
    requested_at: Moment
    closed_at: Moment | None
    note: Annotated[str, Meta(description="Why it was refused or failed.")]
    external_ref: Annotated[str | None, Meta(description="The bank's number of the transfer that paid it.")]


class WithdrawalsAnswer(msgspec.Struct, frozen=True):
    withdrawals: list[WithdrawalView]
    next_cursor: str | None = None


class WithdrawalsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    cursor: Cursor | UnsetType = UNSET
    limit: Limit = PAGE
    state: (
        Annotated[
            Literal["requested", "checked", "approved", "paying", "paid", "refused", "cancelled", "failed"],
            Meta(description="Only those in this state."),
        ]
        | UnsetType
    ) = UNSET


class PriceChangeBody(msgspec.Struct, frozen=True):
    """A change that moved your unit price for a quantity of 1, or a tier."""

    id: Id
    at: Moment
    sku: SkuCode
    why: Annotated[
        str, Meta(description="`list`, `level`, `named` (密价), `floor`, `ceiling`; `tier:10` (from 10 pieces). "
             "Of who buys from an agent: `named`, or `seller`.")
    ]
    before: Annotated[Money | None, Meta(description="Null for a tier.")]
    after: Annotated[Money | None, Meta(description="Null for a tier.")]
    off_per_mille_before: Annotated[int | None, Meta(description="Of a tier; null: there was none.")] = None
    off_per_mille_after: Annotated[int | None, Meta(description="Of a tier; null: there is none.")] = None


class PriceChangesAnswer(msgspec.Struct, frozen=True):
    changes: list[PriceChangeBody]
    next_cursor: Annotated[str | None, Meta(description="Null on the last page; a page may be short of its limit.")] = (
        None
    )


class PriceChangesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    cursor: Cursor | UnsetType = UNSET
    limit: Limit = PAGE
