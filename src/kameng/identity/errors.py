"""Refusals about who calls and what the key may do.

    NotAllowed
    ├── NotAuthenticated  401  we don't know who you are: signature_missing, _malformed, _wrong, _expired,
    │                          nonce_used, key_revoked
    └── (leaves)          403  we know, and you may not: scope_missing, ip_not_allowed, daily_limit_exceeded,
                               organisation_suspended
    BadInput              400  content_digest_wrong, key_settings_wrong, organisation_settings_wrong,
                               person_settings_wrong
    NotFound              404  organisation_unknown, person_unknown
    Conflict              409  key_not_working, sign_in_taken, last_owner
    TryLater              429  rate_limited

All of them leave no trace of the request: the same ``client_ref`` may be used again. ``retry`` = ``same_key``
means that a program may do so by itself (sign afresh); ``never`` that a person must first change something.
"""

from __future__ import annotations

from kameng.kit.errors import BadInput, Conflict, NotAllowed, NotFound, TryLater


class NotAuthenticated(NotAllowed):
    """The caller is not known."""

    status = 401


class SignatureMissing(NotAuthenticated):
    """The request is not signed."""

    code = "signature_missing"
    zh = "请求没有签名。"


class SignatureMalformed(NotAuthenticated):
    """The signature header can't be read."""

    code = "signature_malformed"
    zh = "签名请求头格式不正确。"


class SignatureWrong(NotAuthenticated):
    """The key is unknown or the signature does not match the request."""

    # One answer for both, so that nobody can find out which keys exist.
    code = "signature_wrong"
    zh = "密钥不存在，或签名与请求不符。"


class SignatureExpired(NotAuthenticated):
    """The signature's time is too far from the server's time; set your clock and sign again."""

    code = "signature_expired"
    retry = "same_key"
    zh = "签名时间与服务器时间相差过大，请校准时钟后重新签名。"


class NonceUsed(NotAuthenticated):
    """This nonce was used before; sign again with a fresh one."""

    code = "nonce_used"
    retry = "same_key"
    zh = "该 nonce 已被使用，请换一个新的 nonce 重新签名。"


class KeyRevoked(NotAuthenticated):
    """This key was revoked or has expired."""

    code = "key_revoked"
    zh = "该密钥已被吊销或已过期。"


class ScopeMissing(NotAllowed):
    """The key lacks the permission (scope) for this."""

    code = "scope_missing"
    zh = "该密钥没有此操作的权限。"


class IpNotAllowed(NotAllowed):
    """The key may not be used from this IP address."""

    code = "ip_not_allowed"
    zh = "该密钥不允许从此 IP 地址使用。"


class OrganisationSuspended(NotAllowed):
    """The organisation is suspended."""

    code = "organisation_suspended"
    zh = "该商户已被停用。"


class DailyLimitExceeded(NotAllowed):
    """The key's daily money limit would be exceeded."""

    code = "daily_limit_exceeded"
    zh = "超过该密钥的每日金额限额。"


class RateLimited(TryLater):
    """Too many requests; come again after the time in Retry-After."""

    code = "rate_limited"
    status = 429
    zh = "请求过于频繁，请在 Retry-After 所示时间后重试。"


class ContentDigestWrong(BadInput):
    """Content-Digest does not match the body."""

    code = "content_digest_wrong"
    zh = "Content-Digest 与请求正文不符。"


class BadKeySettings(BadInput):
    """The settings of the key are wrong."""

    code = "key_settings_wrong"
    zh = "密钥设置不正确。"


class BadOrganisationSettings(BadInput):
    """The settings of the organisation are wrong."""

    code = "organisation_settings_wrong"
    zh = "商户设置不正确。"


class BadPersonSettings(BadInput):
    """The settings of the person are wrong."""

    code = "person_settings_wrong"
    zh = "用户设置不正确。"


class KeyNotWorking(Conflict):
    """This key was revoked or has expired and can't be rotated; issue a new one."""

    code = "key_not_working"
    zh = "该密钥已被吊销或已过期，不能轮换，请签发新密钥。"


class NoSuchOrganisation(NotFound):
    """There is no such organisation or key."""

    code = "organisation_unknown"
    zh = "商户或密钥不存在。"


class NoSuchPerson(NotFound):
    """There is no such person."""

    code = "person_unknown"
    zh = "没有此用户。"


class LastOwner(Conflict):
    """An organisation keeps one owner at least: make somebody else one first."""

    code = "last_owner"
    zh = "每个组织至少须保留一位所有者，请先将他人设为所有者。"


class SignInTaken(Conflict):
    """This sign-in belongs to somebody already."""

    code = "sign_in_taken"
    zh = "该登录名已被使用。"
