"""What messages say, in Chinese, in English or in both, with facts put in. Nothing here may ever be a secret.

A template is what one may be told of: ``TOPICS`` says of which of them by subscription, and how soon again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

import msgspec

from kameng.notices.errors import BadMessage

FACT_CHARS_MAX = 200
_PLACE = re.compile(r"\$(\w+)")

Language = Literal["zh", "en", "both"]
LANGUAGES: tuple[Language, ...] = ("zh", "en", "both")


class Template(msgspec.Struct, frozen=True):
    """``sms``: the code that the carrier approved it under; the English one's ends in ``_EN``."""

    title_zh: str
    title_en: str
    zh: str
    en: str
    sms: str

    @property
    def places(self) -> frozenset[str]:
        return frozenset(_PLACE.findall(self.zh)) | frozenset(_PLACE.findall(self.en))


class Text(msgspec.Struct, frozen=True):
    """A message as it is read."""

    title: str
    body: str
    sms: str
    facts: dict[str, str]


class Topic(msgspec.Struct, frozen=True):
    """What one may subscribe to. ``repeat_s``: how long the same of it is not said again to the same address."""

    for_staff: bool
    for_organisations: bool
    repeat_s: int


_HOUR_S, _DAY_S = 3600, 86_400

TOPICS: dict[str, Topic] = {
    "balance_low": Topic(for_staff=False, for_organisations=True, repeat_s=_HOUR_S),
    "withdrawal_decided": Topic(for_staff=False, for_organisations=True, repeat_s=_HOUR_S),
    "key_expiring": Topic(for_staff=False, for_organisations=True, repeat_s=7 * _DAY_S),
    "webhook_disabled": Topic(for_staff=False, for_organisations=True, repeat_s=_HOUR_S),
    "stock_low": Topic(for_staff=True, for_organisations=True, repeat_s=_HOUR_S),
    "desk_opened": Topic(for_staff=True, for_organisations=False, repeat_s=60),
    "desk_overdue": Topic(for_staff=True, for_organisations=False, repeat_s=60),
    "audit_broken": Topic(for_staff=True, for_organisations=False, repeat_s=_HOUR_S),
    "work_failed": Topic(for_staff=True, for_organisations=False, repeat_s=_DAY_S),
}
GUESTS_REPEAT_S = 90 * _DAY_S
"""A guest is told of each step of his order once."""

TEMPLATES: dict[str, Template] = {
    "test": Template(
        "卡盟测试消息", "Kameng test message",
        "这是一条测试消息，由 $sender 发出。收到即表示该渠道可用。",
        "A test message from $sender. If you read it, this channel works.",
        "SMS_KAMENG_TEST",
    ),
    "balance_low": Template(
        "余额不足提醒", "Your balance is low",
        "您的可用余额为 $available，低于提醒线 $line。",
        "You have $available available, less than the line of $line.",
        "SMS_KAMENG_BALANCE",
    ),
    "withdrawal_decided": Template(
        "提现处理结果", "Your withdrawal",
        "您的提现 $withdrawal（$amount）状态为：$state_zh。",
        "Your withdrawal $withdrawal of $amount is $state.",
        "SMS_KAMENG_WITHDRAWAL",
    ),
    "key_expiring": Template(
        "API 密钥即将到期", "An API key is about to expire",
        "您的 API 密钥 $key 将于 $until 到期，请及时轮换。",
        "Your API key $key expires on $until: rotate it.",
        "SMS_KAMENG_KEY",
    ),
    "webhook_disabled": Template(
        "Webhook 已停用", "A webhook was disabled",
        "您的 webhook $webhook 已停用，原因：$reason。修复后请在平台重新启用。",
        "Your webhook $webhook was disabled: $reason. Mend its receiver and make it active again.",
        "SMS_KAMENG_WEBHOOK",
    ),
    "stock_low": Template(
        "库存不足", "Stock is low",
        "商品 $sku 库存为 $on_hand，低于预警线 $line。",
        "There are $on_hand of SKU $sku, fewer than the line of $line.",
        "SMS_KAMENG_STOCK",
    ),
    "desk_opened": Template(
        "人工处理台有新事项", "The desk has new items",
        "人工处理台新增 $count 项：$kinds。",
        "$count new items wait on the desk: $kinds.",
        "SMS_KAMENG_DESK",
    ),
    "desk_overdue": Template(
        "人工处理台事项超时", "Items of the desk are overdue",
        "人工处理台有 $count 项超过 $minutes 分钟未处理：$kinds。",
        "$count items of the desk have waited for more than $minutes minutes: $kinds.",
        "SMS_KAMENG_OVERDUE",
    ),
    "audit_broken": Template(
        "核对发现问题", "The audit found something",
        "核对发现 $count 条规则被违反：$laws。请运行 kameng audit 查看。",
        "The audit found $count laws broken: $laws. See `kameng audit`.",
        "SMS_KAMENG_AUDIT",
    ),
    "work_failed": Template(
        "定时任务失败", "Timed work fails",
        "定时任务 $work 运行失败。请运行 kameng doctor 查看。",
        "The timed work $work fails. See `kameng doctor`.",
        "SMS_KAMENG_WORK",
    ),
    "order_delivered": Template(
        "订单已发货", "Your order is there",
        "您的订单 $order 已完成。请凭订单号和查询密码在 $shop 查看。",
        "Your order $order is there. See it at $shop with its number and your query password.",
        "SMS_KAMENG_DELIVERED",
    ),
    "order_refunded": Template(
        "订单已退款", "Your order was refunded",
        "您的订单 $order 退款 $amount，将原路退回。",
        "Of your order $order $amount are refunded; they go back the way they came.",
        "SMS_KAMENG_REFUNDED",
    ),
    "order_held": Template(
        "订单待审核", "Your order is being checked",
        "您的订单 $order 正在审核，审核后自动发货或退款。",
        "Your order $order is being checked; then it is delivered or refunded.",
        "SMS_KAMENG_HELD",
    ),
    "order_review": Template(
        "订单待人工核实", "An order waits for a person",
        "您的订单 $order 结果未知，正在人工核实，期间不会重复充值或退款。",
        "The outcome of order $order is not known; a person looks. Nothing is sent or refunded twice meanwhile.",
        "SMS_KAMENG_REVIEW",
    ),
}  # fmt: skip


def check(name: str, facts: Mapping[str, str]) -> None:
    """Refuse a template that is unknown, and facts that are not exactly its own."""
    template = TEMPLATES.get(name)
    if template is None:
        raise BadMessage("there is no such template", field="template", detail_zh="没有这个模板")
    if facts.keys() != template.places:
        wanted = ", ".join(sorted(template.places))
        raise BadMessage(f"it takes {wanted}", field="facts", detail_zh=f"模板变量应为 {wanted}")
    if any(len(text) > FACT_CHARS_MAX or not text.isprintable() for text in facts.values()):
        raise BadMessage(
            f"at most {FACT_CHARS_MAX} printable characters each", field="facts",
            detail_zh=f"每项最多 {FACT_CHARS_MAX} 个可见字符",
        )  # fmt: skip


def fact(text: str) -> str:
    """What others wrote, as a fact may be."""
    shown = "".join(char if char.isprintable() else " " for char in text)
    return shown if len(shown) <= FACT_CHARS_MAX else f"{shown[: FACT_CHARS_MAX - 1]}…"


def render(name: str, facts: Mapping[str, str], language: str = "both") -> Text:
    """In one language, or both, one below the other."""
    template = TEMPLATES[name]
    zh, en = (_PLACE.sub(lambda found: facts[found[1]], text) for text in (template.zh, template.en))
    if language == "zh":
        return Text(template.title_zh, zh, template.sms, dict(facts))
    if language == "en":
        return Text(template.title_en, en, f"{template.sms}_EN", dict(facts))
    return Text(f"{template.title_zh} {template.title_en}", f"{zh}\n\n{en}", template.sms, dict(facts))
