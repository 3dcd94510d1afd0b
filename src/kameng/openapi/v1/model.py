"""What goes over the wire, besides orders themselves (``intake``). Money as decimals with four places, ids as text.

What comes in names its limits here; the document and the refusals are made from the same lines.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from kameng.openapi.problems import Problem

QUOTES_MAX = 100
IDS_MAX = 100
SKUS_MAX = 500
PAGE_MAX = 200
PAGE = 50

Word = Annotated[str, Meta(min_length=1, max_length=80)]
SkuCode = Annotated[str, Meta(pattern="^[0-9]{1,18}$", description="A SKU's code.", examples=["100001"])]
Money = Annotated[
    str, Meta(pattern=r"^-?[0-9]+\.[0-9]{4}$", description="A decimal with four places.", examples=["98.5000"])
]
Id = Annotated[str, Meta(pattern="^[0-9]{1,19}$", description="A number as text: it passes 2^53.")]
Moment = Annotated[str, Meta(description="UTC, RFC 3339, milliseconds.", examples=["2026-11-22T08:30:00.000Z"])]
Cursor = Annotated[
    str, Meta(pattern="^[A-Za-z0-9_-]{11}$", description="`next_cursor` of the page before. Opaque.")
]
Limit = Annotated[int, Meta(ge=1, le=PAGE_MAX, description="How many at most.")]
Kind = Literal["secret", "topup", "link", "manual", "parcel", "bundle"]
SkuState = Literal["on_sale", "paused", "withdrawn"]
OrderState = Literal[
    "awaiting_payment", "paid", "held", "fulfilling", "review", "cancelling", "partly_delivered", "delivered",
    "settled", "expired", "cancelled", "refused", "failed", "refunded",
]  # fmt: skip
PartState = Literal["waiting", "delivered", "failed", "refunded"]
Band = Annotated[
    Literal["none", "few", "some", "plenty"],
    Meta(description="`none`; `few` (below 10); `some` (below 100); `plenty`, also for goods not kept in stock."),
]


class FormField(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing to fill in for an order of this SKU."""

    name: str
    label: Annotated[str, Meta(description="What it is called, in Chinese.")]
    label_en: str
    widget: Literal["text", "password", "number", "select", "cascader", "image"]
    pattern: Annotated[str, Meta(description="A regular expression for the whole value.")]
    min_length: int
    max_length: int
    required: bool
    private: Annotated[bool, Meta(description="Personal data: sealed, shown masked, a password never.")] = False
    options: Annotated[list[str], Meta(description="Values to choose from, as a help.")] = []


class SkuPart(msgspec.Struct, frozen=True):
    """One thing that a bundle is made of."""

    sku: SkuCode
    quantity: Annotated[int, Meta(description="Pieces in one bundle.")]
    kind: Kind
    share: Annotated[
        str,
        Meta(
            pattern=r"^[0-9]+\.[0-9]{2}$", examples=["60.00"],
            description="Percent of what you pay for the bundle: it goes back if this part can't be delivered. 0.00: a "
            "gift.",
        ),
    ]


class SkuBody(msgspec.Struct, frozen=True):
    """One thing that can be ordered, at the caller's own price."""

    sku: SkuCode
    scene: str
    brand: str
    product: str
    spec: str
    kind: Annotated[Kind, Meta(description="`secret` and `link` come from stock, in the answer to the order.")]
    face_value: Money
    face_currency: str
    price: Annotated[Money, Meta(description="Your unit price for a quantity of 1.")]
    currency: Annotated[str, Meta(description="What you pay with: CNY, or XTS (play money) with a sandbox key.")]
    form: Annotated[list[FormField], Meta(description="What an order's `account` has to hold; empty: nothing.")]
    region: str
    note: str
    quantity_min: int
    quantity_max: int
    quantity_step: int
    state: SkuState
    refundable: Annotated[bool, Meta(description="Whether money may go back for what was not used.")]
    reversible: Annotated[bool, Meta(description="Whether delivered goods may be taken back.")]
    delivery_promise_minutes: Annotated[
        int | None, Meta(description="Within how long it is delivered; null: nothing is promised.")
    ]
    redeem_instructions: Annotated[str, Meta(description="How its buyer redeems it; for people.")]
    barcode: Annotated[str, Meta(description="EAN, UPC or GTIN; empty if it has none.", examples=["6901234567892"])]
    confirm_days: Annotated[
        int | None, Meta(description="For how many days you may confirm what came; null: as the platform says.")
    ]
    external_ref: Annotated[str, Meta(description="What the seller's ERP calls it; empty if it says nothing.")]
    parts: Annotated[list[SkuPart], Meta(description="Of a bundle, in their order; else empty.")]
    pickable: Annotated[bool, Meta(description="Whether you may choose the card (自选); see `listCardsOnDisplay`.")]
    pick_fee: Annotated[Money, Meta(description="What choosing costs, where a card says nothing else.")]


class SkuDetail(SkuBody, frozen=True):
    """A SKU with the JSON Schema of its form."""

    form_schema: Annotated[
        dict[str, Any] | None, Meta(description="JSON Schema 2020-12 of `account`; null if it takes none.")
    ] = None


class CatalogueAnswer(msgspec.Struct, frozen=True):
    skus: list[SkuBody]


class ProductChange(msgspec.Struct, frozen=True):
    """A SKU's latest change, with the SKU as it is."""

    change: Annotated[
        Literal["published", "changed", "withdrawn"],
        Meta(description="`published`: its first revision. `withdrawn`: off for good."),
    ]
    revision: Annotated[int, Meta(description="Rises with every change of the SKU.")]
    at: Moment
    product: SkuBody


class ChangesAnswer(msgspec.Struct, frozen=True):
    changes: list[ProductChange]
    next_after: Annotated[str, Meta(description="Ask with it for what comes next, now or whenever you like.")]
    more: Annotated[bool, Meta(description="Whether there is more already.")]


class ChangesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    after: (
        Annotated[
            str,
            Meta(pattern="^[A-Za-z0-9_-]{22}$", description="`next_after` of the answer before; at first nothing."),
        ]
        | UnsetType
    ) = UNSET
    limit: Limit = PAGE


class CatalogueQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    scene: Annotated[Word, Meta(description="Only this scene.", examples=["游戏"])] | UnsetType = UNSET
    brand: Annotated[Word, Meta(description="Only this brand.")] | UnsetType = UNSET
    kind: Annotated[Kind, Meta(description="Only this kind.")] | UnsetType = UNSET
    q: Annotated[Word, Meta(description="Words in the brand, product, spec or note.")] | UnsetType = UNSET


class CardOnDisplay(msgspec.Struct, frozen=True):
    """A card that you may choose: order it with its `id` as `card`."""

    id: Id
    label: Annotated[str, Meta(description="By what it is chosen: its number, or what its seller calls it.")]
    fee: Annotated[Money, Meta(description="Its surcharge.")]
    price: Annotated[Money, Meta(description="Your unit price with its surcharge.")]
    expires_on: Annotated[str | None, Meta(description="A date; null: never.")]


class DisplayAnswer(msgspec.Struct, frozen=True):
    cards: list[CardOnDisplay]
    next_cursor: Annotated[str | None, Meta(description="Null on the last page.")] = None


class DisplayQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    cursor: Cursor | UnsetType = UNSET
    limit: Limit = PAGE


class SkuStock(msgspec.Struct, frozen=True):
    sku: SkuCode
    band: Band
    from_stock: Annotated[bool, Meta(description="Whether orders are delivered in their own answer.")]


class StockAnswer(msgspec.Struct, frozen=True):
    stock: list[SkuStock]


class StockQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    skus: (
        Annotated[
            str,
            Meta(
                pattern=f"^[0-9]{{1,18}}(,[0-9]{{1,18}}){{0,{SKUS_MAX - 1}}}$",
                description=f"At most {SKUS_MAX} codes with commas between them; without it, every SKU from stock.",
                examples=["100001,100002"],
            ),
        ]
        | UnsetType
    ) = UNSET


class QuoteBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sku: SkuCode
    quantity: Annotated[int, Meta(ge=1, le=1_000_000)] = 1


QuoteBodies = Annotated[list[QuoteBody], Meta(min_length=1, max_length=QUOTES_MAX)]


class StepBody(msgspec.Struct, frozen=True):
    """One rule of the price, and the unit price after it."""

    rule: Annotated[
        str,
        Meta(
            description="`list`, `level:2`, `named` (密价), `tier:10` (from 10 pieces), `floor`, `ceiling`, "
            "`pick:ID` (自选)."
        ),
    ]
    unit_price: Money


class QuoteAnswer(msgspec.Struct, frozen=True):
    sku: SkuCode
    quantity: int
    currency: str
    unit_price: Annotated[Money, Meta(description="Send it as `max_price`, and no higher price is ever charged.")]
    total: Money
    trace: Annotated[list[StepBody], Meta(description="How the price came about.")]


class QuoteRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """A quote, or why there is none."""

    index: int
    status: int
    quote: QuoteAnswer | UnsetType = UNSET
    problem: Problem | UnsetType = UNSET


class QuotesAnswer(msgspec.Struct, frozen=True):
    results: list[QuoteRow]


class BalanceAnswer(msgspec.Struct, frozen=True):
    currency: str
    posted: Annotated[Money, Meta(description="What you have.")]
    held: Annotated[Money, Meta(description="Of it, reserved for what is under way.")]
    credit_line: Money
    available: Annotated[Money, Meta(description="posted − held + credit_line: what an order may cost now.")]


class LineBody(msgspec.Struct, frozen=True):
    id: Id
    at: Moment
    kind: Annotated[str, Meta(examples=["posted"])]
    code: Annotated[str, Meta(examples=["sale", "recharge"])]
    subject: Annotated[str, Meta(description="What it was for: the order's id, for a sale.")]
    amount: Annotated[Money, Meta(description="Above zero: to you.")]
    balance_after: Money


class StatementAnswer(msgspec.Struct, frozen=True):
    currency: str
    lines: list[LineBody]
    next_cursor: str | None = None


class StatementQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    cursor: Cursor | UnsetType = UNSET
    limit: Limit = PAGE


class Notice(msgspec.Struct, frozen=True):
    """Something to look at before it hurts."""

    code: Literal["clock_off", "no_ip_list", "sandbox", "key_expires", "scopes_missing"]
    en: str
    zh: str


class SelfTestAnswer(msgspec.Struct, frozen=True):
    key: Annotated[str, Meta(examples=["ak_test_4242"])]
    sandbox: bool
    organisation: str
    organisation_id: Id
    currency: str
    signed_with: Literal["KAMENG-HMAC-SHA256", "RFC 9421, ed25519"]
    scopes: list[str]
    allowed_ips: Annotated[list[str], Meta(description="Networks; empty: any.")]
    your_ip: str
    rate_per_second: int
    daily_limit: str | None
    expires_at: str | None
    server_time: Moment
    clock_ahead_ms: Annotated[
        int, Meta(description="Your signature's time less ours. Signatures count whole seconds, so ±1000 is exact.")
    ]
    warnings: list[Notice]


class ChecklistItem(msgspec.Struct, frozen=True):
    """One step, and whether it was seen to be done."""

    code: str
    done: bool
    en: str
    zh: str


class ChecklistAnswer(msgspec.Struct, frozen=True):
    key: str
    ready: Annotated[bool, Meta(description="Whether every item is done.")]
    items: list[ChecklistItem]


class ErrorEntry(msgspec.Struct, frozen=True):
    code: str
    status: int
    retry: Literal["never", "same_key", "new_key", "query_first"]
    outcome: Literal["none", "unknown", "done"]
    title: str
    title_zh: str


class ErrorsAnswer(msgspec.Struct, frozen=True):
    errors: list[ErrorEntry]


class HealthAnswer(msgspec.Struct, frozen=True):
    status: Literal["ok"]
