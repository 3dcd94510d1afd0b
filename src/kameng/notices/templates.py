"""What messages say, in Chinese, in English or in both, with facts put in. None of them is a secret, but what a
template names as ``hidden`` (a code, a link that lets in): that is sealed with the address, and put in when it is sent.

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
    """``sms``: the code that the carrier approved it under; the English one's ends in ``_EN``. ``hidden``: the place of
    what must not stand in clear."""

    title_zh: str
    title_en: str
    zh: str
    en: str
    sms: str
    hidden: str = ""

    @property
    def places(self) -> frozenset[str]:
        return (frozenset(_PLACE.findall(self.zh)) | frozenset(_PLACE.findall(self.en))) - {self.hidden}


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
    "document_decided": Topic(for_staff=False, for_organisations=True, repeat_s=_HOUR_S),
    "document_expiring": Topic(for_staff=True, for_organisations=True, repeat_s=_DAY_S),
    "offer_decided": Topic(for_staff=False, for_organisations=True, repeat_s=_HOUR_S),
    "stock_low": Topic(for_staff=True, for_organisations=True, repeat_s=_HOUR_S),
    "desk_opened": Topic(for_staff=True, for_organisations=False, repeat_s=60),
    "desk_overdue": Topic(for_staff=True, for_organisations=False, repeat_s=60),
    "audit_broken": Topic(for_staff=True, for_organisations=False, repeat_s=_HOUR_S),
    "work_failed": Topic(for_staff=True, for_organisations=False, repeat_s=_DAY_S),
    "channel_left": Topic(for_staff=True, for_organisations=False, repeat_s=_HOUR_S),
    "channel_back": Topic(for_staff=True, for_organisations=False, repeat_s=_HOUR_S),
    "channels_ill": Topic(for_staff=True, for_organisations=False, repeat_s=_HOUR_S),
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
    "document_decided": Template(
        "证照审核结果", "Your document",
        "您提交的$kind_zh（$number）$state_zh。",
        "Your document ($kind, $number) was $state.",
        "SMS_KAMENG_DOCUMENT",
    ),
    "document_expiring": Template(
        "证照即将到期", "A document is about to expire",
        "机构 $org 的$kind_zh（$number）有效期至 $until，请及时更新。",
        "A document of organisation $org ($kind, $number) is good until $until: renew it in time.",
        "SMS_KAMENG_EXPIRING",
    ),
    "offer_decided": Template(
        "报价处理结果", "Your offer",
        "您的报价 $offer（$cost）$state_zh。",
        "Your offer $offer of $cost was $state.",
        "SMS_KAMENG_OFFER",
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
    "channel_left": Template(
        "支付通道异常", "A payment channel was left",
        "支付通道 $channel 已停止分配新付款：$why。系统会自动探测并恢复。",
        "No new payments go to the channel $channel: $why. It is probed, and comes back by itself.",
        "SMS_KAMENG_CHANNEL_LEFT",
    ),
    "channel_back": Template(
        "支付通道已恢复", "A payment channel is back",
        "支付通道 $channel 已恢复，重新分配付款。",
        "The channel $channel has recovered and takes payments again.",
        "SMS_KAMENG_CHANNEL_BACK",
    ),
    "channels_ill": Template(
        "支付方式全部异常", "No channel of a way to pay is well",
        "$way 的所有支付通道均异常，正在使用相对最好的一个。请立即处理。",
        "Every channel for $way is ill; the least bad one is used. Please look at once.",
        "SMS_KAMENG_CHANNELS_ILL",
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
    "sign_in_code": Template(
        "验证码", "Your code",
        "【$shop】验证码 $code，$minutes 分钟内有效。工作人员不会向您索要验证码，请勿告诉他人。",
        "$shop: your code is $code, good for $minutes minutes. Nobody of ours ever asks for it: tell it to no one.",
        "SMS_KAMENG_CODE", hidden="code",
    ),
    "staff_invited": Template(
        "邀请您加入", "You are invited",
        "$by 邀请您加入「$organisation」。请在 $days 天内打开链接接受邀请：$link",
        "$by invites you to join $organisation. Open this link within $days days to accept: $link",
        "SMS_KAMENG_INVITE", hidden="link",
    ),
    "password_changed": Template(
        "密码已修改", "Your password was changed",
        "您在 $shop 的登录密码已于 $at 修改。如非本人操作，请立即通过“忘记密码”重设并联系客服。",
        "Your password at $shop was changed at $at. If it was not you, reset it at once by “Forgot your password?”.",
        "SMS_KAMENG_PASSWORD",
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


def render(name: str, facts: Mapping[str, str], language: str = "both", *, hidden: str = "") -> Text:
    """In one language, or both, one below the other; ``hidden`` goes where the template has a place for it."""
    template = TEMPLATES[name]
    if template.hidden:
        facts = {**facts, template.hidden: hidden}
    zh, en = (_PLACE.sub(lambda found: facts[found[1]], text) for text in (template.zh, template.en))
    if language == "zh":
        return Text(template.title_zh, zh, template.sms, dict(facts))
    if language == "en":
        return Text(template.title_en, en, f"{template.sms}_EN", dict(facts))
    return Text(f"{template.title_zh} {template.title_en}", f"{zh}\n\n{en}", template.sms, dict(facts))
