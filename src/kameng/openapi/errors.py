"""The door's own refusals: what is wrong before anybody's rules are asked."""

from __future__ import annotations

from kameng.kit.errors import BadInput, NotAllowed, NotFound, TryLater


class BadRequest(BadInput):
    """The request can't be read; the field says where."""

    code = "bad_request"
    zh = "请求无法解析，请检查所指字段。"


class BodyTooLarge(BadInput):
    """The request body is too large; split it."""

    code = "body_too_large"
    status = 413
    zh = "请求正文过大，请拆分后发送。"

    @classmethod
    def above(cls, byte_count: int) -> BodyTooLarge:
        """With the limit that was passed."""
        return cls(f"at most {byte_count} bytes", detail_zh=f"最多 {byte_count} 字节")


class HeadTooLarge(BadInput):
    """The request's line and headers are too large; send fewer."""

    code = "head_too_large"
    status = 431
    zh = "请求行与请求头过大，请减少后发送。"


class RequestTooSlow(BadInput):
    """The request did not arrive whole in time; send it again."""

    code = "request_too_slow"
    status = 408
    retry = "same_key"
    zh = "请求未在规定时间内完整到达，请重新发送。"


class NoSuchPath(NotFound):
    """There is nothing at this path; see /docs."""

    code = "no_such_path"
    zh = "该路径不存在，请查看 /docs。"


class MethodNotAllowed(BadInput):
    """This path does not take this method; see the Allow header."""

    code = "method_not_allowed"
    status = 405
    zh = "该路径不支持此请求方法，见 Allow 响应头。"


class NotSupplier(NotAllowed):
    """Only an active supplier's live key may do this."""

    code = "not_supplier"
    zh = "仅限供货商的正式密钥使用。"


class NotAgent(NotAllowed):
    """Only an active agent's live key may do this."""

    code = "not_agent"
    zh = "仅限代理的正式密钥使用。"


class NotReady(TryLater):
    """The gateway is starting or stopping; come again."""

    code = "not_ready"
    zh = "网关正在启动或停止，请稍后重试。"


class Unavailable(TryLater):
    """The database does not answer now; nothing was done: come again, signed anew."""

    code = "unavailable"
    zh = "数据库暂时无法应答，本次请求未做任何处理，请稍后重新签名再试。"


class Internal(TryLater):
    """Something broke on our side; the platform has been told. Query before you repeat a write."""

    code = "internal"
    status = 500
    retry = "query_first"
    outcome = "unknown"
    zh = "系统内部错误，平台已收到提醒；重复写操作前请先查询。"
