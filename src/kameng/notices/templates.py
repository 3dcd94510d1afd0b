"""What messages say: Chinese first, then English, with facts put in. Nothing here may ever be a secret."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from kameng.notices.errors import BadMessage

FACT_CHARS_MAX = 200
_PLACE = re.compile(r"\$(\w+)")


class Template(msgspec.Struct, frozen=True):
    """``sms``: the code that the carrier approved it under."""

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


TEMPLATES: dict[str, Template] = {
    "test": Template(
        "卡盟测试消息", "Kameng test message",
        "这是一条测试消息，由 $sender 发出。收到即表示该渠道可用。",
        "A test message from $sender. If you read it, this channel works.",
        "SMS_KAMENG_TEST",
    ),
    "webhook_disabled": Template(
        "Webhook 已停用", "A webhook was disabled",
        "您的 webhook $webhook 已停用，原因：$reason。修复后请在平台重新启用。",
        "Your webhook $webhook was disabled: $reason. Mend its receiver and make it active again.",
        "SMS_KAMENG_WEBHOOK",
    ),
    "order_review": Template(
        "订单待人工核实", "An order waits for a person",
        "订单 $order 结果未知，正在人工核实，期间不会重复充值或退款。",
        "The outcome of order $order is not known; a person looks. Nothing is sent or refunded twice meanwhile.",
        "SMS_KAMENG_REVIEW",
    ),
    "balance_low": Template(
        "余额不足提醒", "Your balance is low",
        "您的可用余额为 $available，低于提醒线 $line。",
        "You have $available available, less than the line of $line.",
        "SMS_KAMENG_BALANCE",
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


def render(name: str, facts: Mapping[str, str]) -> Text:
    """Both languages, one below the other."""
    template = TEMPLATES[name]
    zh, en = (_PLACE.sub(lambda found: facts[found[1]], text) for text in (template.zh, template.en))
    return Text(f"{template.title_zh} {template.title_en}", f"{zh}\n\n{en}", template.sms, dict(facts))
