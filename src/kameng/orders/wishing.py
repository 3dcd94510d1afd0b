"""Wishing: from what a caller sent to a ``Wish``, with every fault of form found before it joins a batch."""

from __future__ import annotations

import msgspec

from kameng import catalogue, risk
from kameng.identity import Caller, Nonce
from kameng.kit import ids, money
from kameng.kit.errors import Refusal
from kameng.orders.errors import BadAccount, BadOrder
from kameng.orders.model import REFERENCE_MAX, Pick, Wish
from kameng.orders.snapshot import Snapshot

CONTENT = b"content"
"""What an order's content is hashed as, to tell a repeat from another order."""

QUANTITY_MAX = 1_000_000


class OrderBody(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """What a caller sends for one order; the Open API's body. A misspelt ``max_price`` must not be overlooked."""

    client_ref: str
    sku: str
    quantity: int = 1
    account: dict[str, str] = {}
    max_price: str | None = None
    card: str | None = None


class Filled(msgspec.Struct, frozen=True, gc=False):
    """A form as it was filled in, and what is known by it."""

    account: bytes | None = None  # cleaned, as JSON
    target_hash: bytes | None = None  # of what is topped up, for limits
    marks: tuple[bytes, ...] = ()
    has_password: bool = False


_NOTHING = Filled()


def ref_key_of(org_id: int, client_ref: str) -> bytes:
    """One organisation's reference as its index has it: sorted like the references themselves (ADR 0012)."""
    return org_id.to_bytes(8, "big") + client_ref.encode()


def wish_from(
    snapshot: Snapshot, caller: Caller, body: OrderBody, *, nonce: Nonce | None = None, group: int = 0
) -> Wish:
    """The wish, or the first refusal of its form (``BadOrder``, ``BadAccount``, ``UnknownSku``) with its field."""
    client_ref = body.client_ref
    if not (0 < len(client_ref) <= REFERENCE_MAX and client_ref.isprintable() and " " not in client_ref):
        raise BadOrder(
            f"1 to {REFERENCE_MAX} visible characters without spaces", field="client_ref",
            detail_zh=f"外部单号须为 1 至 {REFERENCE_MAX} 个可见字符，不含空格",
        )  # fmt: skip
    if not 0 < body.quantity <= QUANTITY_MAX:
        raise BadOrder("a whole number from 1 on", field="quantity", detail_zh="数量须为正整数")
    sku = snapshot.catalogue.skus.get(int(body.sku)) if body.sku.isdecimal() and len(body.sku) <= 18 else None
    if sku is None:
        raise catalogue.UnknownSku(body.sku[:40], field="sku")
    max_price_e4 = None
    if body.max_price is not None:
        try:
            max_price_e4 = money.parse_e4(body.max_price)
        except ValueError:
            raise BadOrder(
                'a decimal like "98.5000"', field="max_price", detail_zh="最高价须为形如 98.5000 的小数"
            ) from None
    pick = None if body.card is None else _picked(body.card, body.quantity)
    filled = _fill(snapshot, sku, body.account)
    content = b"%d\n%d\n%s" % (sku.sku_id, body.quantity, filled.account or b"")
    # Keyed: who steals a dump must not find phone numbers by trying them all.
    digest = snapshot.ring.fingerprint(CONTENT, content if pick is None else b"%s\n%d" % (content, pick.card_id))
    ref_key = ref_key_of(caller.organisation.org_id, client_ref)
    return Wish(
        caller.key, caller.organisation, caller.ip, client_ref, ref_key, digest, sku.sku_id, body.quantity,
        max_price_e4, filled.account, filled.target_hash, nonce, group, filled.marks, filled.has_password, pick,
    )  # fmt: skip


def _picked(card: str, quantity: int) -> Pick:
    """What is chosen is one thing."""
    try:
        card_id = ids.parse(card)
    except ValueError:
        raise BadOrder("the id of a card on display", field="card", detail_zh="应为自选卡列表中的卡编号") from None
    if quantity != 1:
        raise BadOrder("1 with a chosen card", field="quantity", detail_zh="自选卡密时数量须为 1")
    return Pick(card_id)


def _fill(snapshot: Snapshot, sku: catalogue.Sku, sent: dict[str, str]) -> Filled:
    """The form of this SKU, filled in with what was sent."""
    if not sku.form:
        if sent:
            raise BadAccount("this SKU takes no account", field="account", detail_zh="该商品无需填写充值账号")
        return _NOTHING
    clean, faults = catalogue.check_account(catalogue.form_named(sku.form), sent)
    if faults:
        raise BadAccount(
            "; ".join(fault.message for fault in faults), field=f"account.{faults[0].field}",
            detail_zh="；".join(fault.message_zh for fault in faults),
        )  # fmt: skip
    account = target = msgspec.json.encode(clean, order="sorted")
    has_password = catalogue.has_password(clean)
    if has_password:  # who tops up one account again is counted whatever password he sends
        target = msgspec.json.encode(catalogue.without_passwords(clean), order="sorted")
    target_hash = risk.target_hash(snapshot.ring, target) if sku.kind == "topup" else None
    if sku.parts:
        target_hash = _target_of_parts(snapshot, sku, clean)
    return Filled(account, target_hash, catalogue.marks_of(snapshot.ring, clean), has_password)


def _target_of_parts(snapshot: Snapshot, bundle: catalogue.Sku, clean: dict[str, str]) -> bytes | None:
    """What the first part that is a top-up tops up, as it would be known if it were ordered alone."""
    form = next((part.form for part in bundle.parts if part.kind == "topup" and part.form), None)
    if form is None:
        return None
    target = catalogue.without_passwords(catalogue.answers_of(form, clean))
    return risk.target_hash(snapshot.ring, msgspec.json.encode(target, order="sorted"))


def fault_of(error: Exception) -> Refusal:
    """A decoding error as the refusal it means, with the field's name where msgspec tells it."""
    text = str(error)
    field = text.rpartition(" - at `$")[2].strip("`.") if " - at `$" in text else ""
    for complaint in ("missing required field `", "contains unknown field `"):
        if complaint in text:
            field = text.partition(complaint)[2].partition("`")[0]
    return BadOrder(text.partition(" - at")[0][:200], field=field, detail_zh="请求正文无法解析，请检查字段与类型")


