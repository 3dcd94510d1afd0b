"""The refusals of notices.

    NoSuchEndpoint     404  webhook_not_found
    BadEndpoint        400  bad_webhook
    BadReplay          400  bad_replay
    TooManyEndpoints   409  too_many_webhooks
    EndpointDisabled   409  webhook_disabled
    TooManyMessages    429  too_many_messages
    BadMessage         400  bad_message
    NoSuchSubscription 404  notice_subscription_unknown
    TooManySubscribers 409  too_many_subscribers
    BadBulletin        400  bad_announcement
    NoSuchBulletin     404  announcement_unknown
"""

from __future__ import annotations

from kameng.kit.errors import BadInput, Conflict, NotFound, TryLater


class NoSuchEndpoint(NotFound):
    """There is no such webhook here."""

    code = "webhook_not_found"
    zh = "没有这个 webhook。"


class BadEndpoint(BadInput):
    """The webhook can't be set up like this; the field says what is wrong."""

    code = "bad_webhook"
    zh = "webhook 设置不正确，请检查所指字段。"


class BadReplay(BadInput):
    """These events can't be sent again; name one event, or a span of at most a day."""

    code = "bad_replay"
    zh = "无法重发：请指定一个事件，或不超过一天的时间范围。"


class TooManyEndpoints(Conflict):
    """The organisation has as many webhooks as it may have; remove one first."""

    code = "too_many_webhooks"
    zh = "webhook 数量已达上限，请先删除一个。"


class EndpointDisabled(Conflict):
    """The webhook is disabled; make it active first."""

    code = "webhook_disabled"
    zh = "该 webhook 已停用，请先启用。"


class TooManyMessages(TryLater):
    """This address was sent as many messages as it may be sent for now; come again later."""

    code = "too_many_messages"
    status = 429
    zh = "该地址的消息过于频繁，请稍后再试。"


class BadMessage(BadInput):
    """The message can't be sent like this; the field says what is wrong."""

    code = "bad_message"
    zh = "消息无法发送，请检查所指字段。"


class NoSuchSubscription(NotFound):
    """There is no such subscription here."""

    code = "notice_subscription_unknown"
    zh = "没有这个订阅。"


class TooManySubscribers(Conflict):
    """As many are told of this topic as may be; remove one first."""

    code = "too_many_subscribers"
    zh = "该主题的接收人数量已达上限，请先移除一个。"


class BadBulletin(BadInput):
    """The announcement can't be published like this; the field says what is wrong."""

    code = "bad_announcement"
    zh = "公告无法发布，请检查所指字段。"


class NoSuchBulletin(NotFound):
    """There is no such announcement, or it was withdrawn."""

    code = "announcement_unknown"
    zh = "没有这条公告，或已撤下。"
