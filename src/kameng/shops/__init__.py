"""Shops: under which name, look and domain somebody sells to consumers, what of all goods, and what those say of it."""

from kameng.shops.colours import Shade, Theme, contrast, digest_of, is_kept, style_sheet, theme_of
from kameng.shops.errors import BadReview, BadSale, BadShop, NoShopHere, NoSuchReview, NoSuchShop
from kameng.shops.flashing import Sale, Sales, plan_sale, turn_sales
from kameng.shops.keeping import LOGO_BYTES_MAX, choose_goods, kind_of, open_shop, read_logo, set_logo, set_shop
from kameng.shops.model import PROOF_NAME, Rules, Shop, parent_for, serves, visitor_of
from kameng.shops.naming import ask_domain, decide_domain, drop_domain
from kameng.shops.recruiting import Recruit, buyer_of, recruit
from kameng.shops.reviewing import (
    NEWEST,
    Bought,
    Score,
    answer_review,
    judge_review,
    pending_reviews,
    reviews_of,
    score_of,
    write_review,
)
from kameng.shops.store import Review, all_shops, find_shop, review_of
from kameng.shops.welcoming import guests_of
from kameng.shops.windows import Shops

__all__ = [
    "LOGO_BYTES_MAX", "NEWEST", "PROOF_NAME", "BadReview", "BadSale", "BadShop", "Bought", "NoShopHere",
    "NoSuchReview", "NoSuchShop", "Recruit", "Review", "Rules", "Sale", "Sales", "Score", "Shade", "Shop", "Shops",
    "Theme", "all_shops", "answer_review", "ask_domain", "buyer_of", "choose_goods", "contrast", "decide_domain",
    "digest_of", "drop_domain", "find_shop", "guests_of", "is_kept", "judge_review", "kind_of", "open_shop",
    "parent_for", "pending_reviews", "plan_sale", "read_logo", "recruit", "review_of", "reviews_of", "score_of",
    "serves", "set_logo", "set_shop", "style_sheet", "theme_of", "turn_sales", "visitor_of", "write_review",
]  # fmt: skip
