"""Why this channel, and why not each other: in Chinese and English, from a stored choice alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from kameng.kit.names import Named
from kameng.routing.errors import NoChannel
from kameng.routing.model import Choice, Considered

Language = Literal["zh", "en"]

WHY_NOT: Mapping[str, Named] = {
    "off": Named("已停用", "switched off"),
    "offer": Named("不支持该支付方式或场景", "does not offer this method and scene"),
    "payer": Named("付款人身份属于其他通道", "its payer is known to another channel only"),
    "licence": Named("证照已到期", "its licence has expired"),
    "certificate": Named("证书已到期", "its certificate has expired"),
    "closed": Named("计划停机中", "in a planned outage"),
    "method": Named("不接受该支付方式", "does not take this method"),
    "scene": Named("不接受该支付场景", "does not take this scene"),
    "currency": Named("不接受该币种", "does not take this currency"),
    "amount": Named("金额不在限额区间", "the amount is outside its band"),
    "hours": Named("不在开放时段", "outside its hours"),
    "device": Named("不接受该设备", "does not take this kind of device"),
    "region": Named("不接受该地区", "does not take this region"),
    "merchant": Named("未对该商户开放", "not open to this merchant"),
    "bank": Named("不接受该银行", "does not take this bank"),
    "bin": Named("不接受该卡段", "does not take cards of this range"),
    "refused": Named("命中该通道的排除条件", "one of its own exclusions holds"),
    "count_limit": Named("今日笔数已用完", "its number of payments for today is used up"),
    "amount_limit": Named("今日额度不足", "what is left of its amount for today is less"),
    "rule_refuses": Named("被规则排除", "refused by a rule"),
    "rule_only": Named("规则限定了其他通道", "a rule allows only others"),
    "pinned_elsewhere": Named("规则指定了其他通道", "a rule pins another"),
    "lower_group": Named("优先组中有可用通道", "a group before its own has a channel that is well"),
    "split_elsewhere": Named("按比例分给了其他通道", "the payment falls into another's share"),
    "tried": Named("本订单已试过", "this order was sent there before"),
    "tries": Named("本次已试满次数", "the order was sent to as many as it may be"),
    "unknown_before": Named("上一通道结果未知，不可改走其他通道", "the channel before may have taken it"),
    "begun_before": Named("上一通道已受理", "the channel before took it"),
    "open": Named("连续失败，已熔断", "its creates failed; the breaker is open"),
    "half_open": Named("熔断恢复中，等待下次探测", "its breaker waits for the next probe"),
    "quarantine": Named("到账异常，隔离观察中", "money does not come through it; quarantined"),
}  # fmt: skip
WAYS: Mapping[str, Named] = {
    "none": Named("没有可用通道", "There is no channel for this payment"),
    "only": Named("唯一可用", "the only one that may take it"),
    "pin": Named("规则指定", "pinned by a rule"),
    "split": Named("按比例分流", "the payment falls into its share"),
    "groups": Named("优先组", "of the first group with a channel that is well"),
    "score": Named("评分最高", "the highest score"),
    "cheaper": Named("成功率相当，费率更低", "as good as the best, and cheaper"),
    "probe": Named("探测恢复情况", "a probe whether it has recovered"),
    "floor": Named("随机探索", "drawn evenly, to keep an eye on every channel"),
    "weights": Named("按权重抽取", "drawn by weight"),
    "order": Named("按顺序", "the first in order"),
}
STATES: Mapping[str, Named] = {
    "well": Named("正常", "well"),
    "open": Named("熔断", "open breaker"),
    "half_open": Named("半开", "half open"),
    "quarantine": Named("隔离", "quarantined"),
}


def explain(choice: Choice, language: Language, names: Mapping[int, str] | None = None) -> list[str]:
    """The answer first, then the others that could have been, best first, then those that could not."""
    names = names or {}
    lines = [_answer(choice, language, names)]
    if choice.is_alarm:
        lines.append("所有通道均异常，选择相对最好的一个。" if language == "zh" else
                     "No channel is well: this is the least bad one.")  # fmt: skip
    able = sorted((one for one in choice.considered if not one.left_out), key=lambda one: -one.score)
    unable = [one for one in choice.considered if one.left_out]
    return lines + [_line(one, language, names) for one in (*able, *unable)]


def refusal(choice: Choice) -> NoChannel:
    """Of a choice without a channel: what stands in the way, each reason once."""
    words = list(dict.fromkeys(one.left_out for one in choice.considered))
    return NoChannel(
        "; ".join(WHY_NOT[word].en for word in words), detail_zh="；".join(WHY_NOT[word].zh for word in words)
    )


def _answer(choice: Choice, language: Language, names: Mapping[int, str]) -> str:
    way = WAYS[choice.way].of(language)
    if not choice.channel_id:
        return f"{way}。" if language == "zh" else f"{way}."
    rule = choice.rule and (f"（{choice.rule}）" if language == "zh" else f" ({choice.rule})")
    name = _name(choice.channel_id, names)
    return f"选择 {name}：{way}{rule}。" if language == "zh" else f"{name} was chosen: {way}{rule}."


def _line(one: Considered, language: Language, names: Mapping[int, str]) -> str:
    name = _name(one.channel_id, names)
    if one.left_out:
        why = WHY_NOT[one.left_out].of(language)
        if one.rule:
            why += f"（{one.rule}）" if language == "zh" else f" ({one.rule})"
        return f"{name}：{why}" if language == "zh" else f"{name}: {why}"
    state = STATES[one.state].of(language)
    if language == "zh":
        return f"{name}：预计成功率 {one.mean:.1%}，抽样 {one.drawn:.1%}，得分 {one.score:.3f}，{state}"
    return f"{name}: expected success {one.mean:.1%}, drawn {one.drawn:.1%}, score {one.score:.3f}, {state}"


def _name(channel_id: int, names: Mapping[int, str]) -> str:
    return names.get(channel_id) or f"#{channel_id}"
