"""A shop as its visitors see it, and who belongs to it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, Protocol

import msgspec

from kameng.identity import Organisation
from kameng.shops.colours import Theme, digest_of, parse_colour, style_sheet, theme_of
from kameng.shops.errors import BadShop

Scope = Literal["sku", "brand", "scene"]
Rules = Mapping[tuple[str, str], bool]
"""(scope, which) → whether it is shown. The nearest speaks: of the SKU, its brand, its scene."""
SCOPES = ("sku", "brand", "scene")
TEXTS = {
    "name": (1, 40, "店名"),
    "tagline": (0, 100, "标语"),
    "notice": (0, 500, "公告"),
    "contact": (0, 200, "联系方式"),
    "footer": (0, 200, "页脚文字"),
    "icp": (0, 40, "备案号"),
}
"""Least and most characters of each, and what it is called in Chinese."""
STATES = ("open", "closed")
RULES_MAX = 2000
PROOF_NAME = "_kameng"
"""The name of the TXT record, before the domain."""
VISITOR_LEVEL = 0
"""Of whoever is not signed in, and of new customers."""
_DOMAIN = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")


class Sellable(Protocol):
    """What a selection looks at of a SKU."""

    @property
    def sku_id(self) -> int: ...
    @property
    def brand(self) -> str: ...
    @property
    def scene(self) -> str: ...


class Shop(msgspec.Struct, frozen=True):
    org_id: int  # who sells: the platform, or an agent
    domain: str | None
    name: str
    tagline: str = ""
    accent: str = ""
    notice: str = ""
    contact: str = ""
    state: str = "open"
    is_house: bool = False
    footer: str = ""
    icp: str = ""
    logo: str = ""  # what its picture is called: DIGEST.png; '': none
    sells: str = "all"  # what no rule is about: "all" of it, or only what was "chosen"
    domain_wanted: str | None = None  # asked for; no visitor comes there before an operator agreed
    domain_proof: str = ""
    domain_answer: str = ""  # why the last one was refused
    changed: int = 0
    rules: Rules = {}

    @property
    def is_open(self) -> bool:
        return self.state == "open"

    @property
    def theme(self) -> Theme | None:
        """Its colours; None: the house's."""
        return theme_of(self.accent) if self.accent else None

    @property
    def style(self) -> str:
        """Its style sheet: the tokens that are its own, and nothing else. '': it has none."""
        return "" if self.theme is None else style_sheet(self.theme)

    @property
    def style_name(self) -> str:
        """What the style sheet is called, by its content. '': it has none."""
        return f"{digest_of(self.style.encode())}.css" if self.accent else ""

    def shows(self, sku: Sellable) -> bool:
        """Whether visitors find it here; what is on sale at all is the catalogue's."""
        for place in (("sku", str(sku.sku_id)), ("brand", sku.brand), ("scene", sku.scene)):
            if (shown := self.rules.get(place)) is not None:
                return shown
        return self.sells == "all"


def parent_for(shop: Shop) -> int | None:
    """The agent that a customer of this shop buys from; None: the platform."""
    return None if shop.is_house else shop.org_id


def visitor_of(shop: Shop) -> Organisation:
    """Whoever looks at the shop without being anybody, as prices know him: a new customer of it. For quotes only: he
    stands in no table, and nothing can be ordered for him."""
    return Organisation(0, "", "customer", VISITOR_LEVEL, "active", "CNY", None, False, parent_for(shop))


def serves(shop: Shop | None, organisation: Organisation) -> bool:
    """Whether somebody may be signed in for the organisation at this shop's address.

    At an agent's: the agent himself and who buys from him directly. At the platform's: everybody but customers of
    agents, whom nobody but their agent knows.
    """
    if shop is None or shop.is_house:
        return organisation.kind != "customer" or organisation.parent_id is None
    return shop.org_id in (organisation.org_id, organisation.parent_id)


def check(shop: Shop) -> None:
    """``BadShop`` with the field that can't be."""
    for field, (least, most, label) in TEXTS.items():
        text = getattr(shop, field)
        if not (least <= len(text) <= most and text.replace("\n", " ").isprintable() and (text.strip() or not least)):
            raise BadShop(
                f"{field}: {least} to {most} printable characters", field=field,
                detail_zh=f"{label}：应为 {least} 至 {most} 个可见字符",
            )  # fmt: skip
    if shop.accent and parse_colour(shop.accent) is None:
        raise BadShop("accent: a colour like #0f766e", field="accent", detail_zh="主题色：应为形如 #0f766e 的颜色")
    if shop.state not in STATES:
        raise BadShop("state: open or closed", field="state", detail_zh="状态：应为 open 或 closed")
    for domain in (shop.domain, shop.domain_wanted):
        if domain is not None and not _DOMAIN.fullmatch(domain):
            raise BadShop(
                "domain: a domain in lower case", field="domain", detail_zh="域名：应为小写域名，如 shop.example.com"
            )


def check_selection(sells: str, rules: Rules) -> None:
    if sells not in ("all", "chosen"):
        raise BadShop("sells: all or chosen", field="sells", detail_zh="销售范围：应为 all 或 chosen")
    if len(rules) > RULES_MAX:
        raise BadShop(f"goods: at most {RULES_MAX} rules", field="goods", detail_zh=f"选品：最多 {RULES_MAX} 条规则")
    if any(scope not in SCOPES or not which.strip() for scope, which in rules):
        raise BadShop("goods: a SKU, a brand or a scene", field="goods", detail_zh="选品：应为商品、品牌或场景")
