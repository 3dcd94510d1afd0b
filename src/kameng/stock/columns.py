"""Which column holds what: from a header row, or from what stands in the columns."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from kameng.stock.cells import AmountError, DateError, code_of, cost_e4_of, date_of
from kameng.stock.errors import ColumnsUnclear
from kameng.stock.files import Cell

Role = Literal["seq", "number", "secret", "expiry", "cost", "label", "fee"]


class Layout(msgspec.Struct, frozen=True):
    """Positions of the columns, -1 where there is none. ``named`` by a header row, or guessed."""

    number: int = -1
    secret: int = -1
    expiry: int = -1
    cost: int = -1
    seq: int = -1
    width: int = 0
    named: bool = False
    separator: str = ""
    label: int = -1
    fee: int = -1


_NAMES: dict[Role, str] = {
    "seq": "序号 编号 序列 序 行号 # no no. id index",
    "number": """
        卡号 账号 帐号 卡账号 卡帐号 充值卡号 充值账号 卡片号 卡片编号 卡序列号 序列号 券号 用户名
        cardno cardno. cardnumber cardnum card number account username serial serialnumber sn""",
    "secret": """
        卡密 密码 卡密码 充值码 充值密码 兑换码 激活码 券码 串码 提货码 提货密码 礼品码 优惠码 优惠券码
        卡券码 验证码 链接 兑换链接 领取链接 cdk cdkey cdkeys key code codes secret password passwd pwd pass
        pin pincode redeemcode giftcode activationcode cardpassword cardsecret cardpwd url link""",
    "expiry": """
        到期 到期日 到期日期 到期时间 有效期 有效期至 有效期限 有效日期 失效日 失效日期 失效时间
        过期日 过期日期 过期时间 截止日期 截止时间 截至日期 expiry expires expireson expiresat expirydate
        expiredate expdate expirationdate expiration validuntil validthru validto""",
    "cost": "成本 成本价 进价 进货价 采购价 采购成本 进货成本 供货价 cost costprice unitcost purchaseprice",
    "label": "自选展示 展示号 展示内容 靓号 label picklabel",
    "fee": "自选加价 靓号加价 加价 pickfee surcharge",
}
_ROLES: dict[str, Role] = {name: role for role, names in _NAMES.items() for name in names.split()}
_OTHERS = """
    facevalue value denomination amount price name product productname sku brand type category
    remark remarks note notes memo batch batchno status state date created"""
_OTHER_TITLES = frozenset(_OTHERS.split())
"""English titles of columns that we pass over. Chinese ones need no list: no card is written in Chinese."""
_LABEL_NAMES = sorted((name for name in _ROLES if _ROLES[name] in ("number", "secret", "expiry")), key=len)
_LABEL = re.compile(
    rf"(?:^|[\s,，;；|、-])\s*({'|'.join(map(re.escape, reversed(_LABEL_NAMES)))})\s*[:：]", re.IGNORECASE
)
_DECORATION = re.compile(r"[\s_:\"'*]|[(\[【][^)\]】]*[)\]】]")


def role_of(cell: Cell) -> Role | None:
    """What a column with this title holds: ``成本(元)`` → cost."""
    return _ROLES.get(_title(cell)) if isinstance(cell, str) else None


def header_of(cells: Sequence[Cell], separator: str) -> Layout | None:
    """The layout that a row names, None if it is no header. ColumnsUnclear if two columns say the same."""
    roles = [role_of(cell) for cell in cells]
    if "secret" not in roles and "number" not in roles:
        return None
    strangers = [cell for cell, role in zip(cells, roles, strict=True) if role is None and cell != ""]
    if any(not isinstance(cell, str) or not _may_be_a_title(cell) for cell in strangers):
        return None
    places: dict[Role, list[int]] = {role: [i for i, r in enumerate(roles) if r == role] for role in _NAMES}
    if not places["number"] and len(places["secret"]) == 2:
        # 兑换码 and 密码: the first is what the card is known by.
        places["number"] = [places["secret"].pop(0)]
    for role in ("number", "secret", "expiry", "cost", "label", "fee"):
        if len(places[role]) > 1:
            titles = ", ".join(str(cells[i])[:20] for i in places[role])
            en, zh = f"these columns say the same: {titles}", f"表头中以下各列含义相同：{titles}"
            raise ColumnsUnclear(en, field="file", detail_zh=zh)
    number, secret, expiry, cost, seq, label, fee = (
        places[role][0] if places[role] else -1
        for role in ("number", "secret", "expiry", "cost", "seq", "label", "fee")
    )
    return Layout(
        number, secret, expiry, cost, seq, len(cells), named=True, separator=separator, label=label, fee=fee
    )


def labelled(line: str) -> tuple[list[str], Layout] | None:
    """``卡号：123 密码：abc``: the cells and their layout; None if the line does not begin so."""
    before, *parts = _LABEL.split(line)
    if before.strip() or not parts:
        return None
    values: dict[Role, str] = {}
    for label, value in zip(parts[0::2], parts[1::2], strict=True):
        role = _ROLES[label.lower()]
        if role in values:
            return None
        values[role] = value.strip(" \t,，;；|、")
    if "secret" not in values:
        return None
    roles = list(values)
    number, expiry = (roles.index(role) if role in values else -1 for role in ("number", "expiry"))
    return list(values.values()), Layout(number, roles.index("secret"), expiry, width=len(roles))


def with_number_from_seq(layout: Layout, rows: Sequence[Sequence[Cell]]) -> Layout:
    """编号 usually counts the rows; where its values are long and there is no 卡号, it is the card number."""
    if layout.number >= 0 or layout.seq < 0:
        return layout
    values = [code_of(row[layout.seq])[0] for row in rows if layout.seq < len(row)]
    if any(len(value) > 7 for value in values):
        return msgspec.structs.replace(layout, number=layout.seq, seq=-1)
    return layout


def guess(rows: Sequence[Sequence[Cell]], *, one_is_secret: bool = False) -> Layout:
    """The layout of rows without a header, all of one width. Nothing placed if it can't be told.

    One column that is no date, amount or counter is the secret (or, among wider rows, a number that has lost
    its secret); two are number and secret; more are unclear.
    """
    width = max(map(len, rows), default=0)
    places: dict[str, int] = {}
    codes: list[int] = []
    for i in range(width):
        column = [row[i] for row in rows if i < len(row) and row[i] != ""]
        kind = _kind_of(column)
        if kind == "code":
            codes.append(i)
        elif kind != "empty":
            if kind in places:
                return Layout(width=width)
            places[kind] = i
    if width == 1 and not one_is_secret:
        return Layout(number=0, width=1)
    if not 1 <= len(codes) <= 2:
        return Layout(width=width)
    number = codes[0] if len(codes) == 2 else -1
    return Layout(number, codes[-1], places.get("expiry", -1), places.get("cost", -1), width=width)


def _kind_of(column: Sequence[Cell]) -> str:
    if not column:
        return "empty"
    texts = [code_of(cell)[0] for cell in column]
    counted = [int(text) for text in texts if text.isascii() and text.isdecimal() and len(text) <= 7]
    if len(counted) == len(column) > 1 and counted == list(range(counted[0], counted[0] + len(counted))):
        # Cards are numbered one after the other, too; but not from 0 or 1.
        return "seq" if counted[0] in (0, 1) else "code"
    if all(_fits(date_of, cell, DateError) for cell in column):
        return "expiry"
    if all(_has_a_point(cell) and _fits(cost_e4_of, cell, AmountError) for cell in column):
        return "cost"
    return "code"


def _fits(reader: Callable[[Cell], object], cell: Cell, failure: type[ValueError]) -> bool:
    try:
        # 永久 and a five-digit serial may be anything; only a written date tells that the column holds dates.
        return reader(cell) is not None and not (isinstance(cell, str) and len(cell.strip()) == 5)
    except failure:
        return False


def _has_a_point(cell: Cell) -> bool:
    return "." in cell if isinstance(cell, str) else isinstance(cell, float) and cell != int(cell)


def _title(cell: str) -> str:
    return _DECORATION.sub("", unicodedata.normalize("NFKC", cell)).lower()


def _may_be_a_title(cell: str) -> bool:
    title = _title(cell)
    return not title or not title.isascii() or title in _OTHER_TITLES
