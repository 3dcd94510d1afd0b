"""Refusals to people at pages.

BadInput
├── BadPassword      400  bad_password
├── BadContact       400  bad_contact
├── BadCode          400  bad_code
├── BadPasskey       400  bad_passkey
├── BadGuise         400  bad_guise
└── NoCodesHere      400  no_codes_here
NotAllowed
├── NotSignedIn      401  not_signed_in
├── SignInRefused    401  sign_in_refused
├── ProofNeeded      403  proof_needed
├── OnlyLooking      403  only_looking
└── Forbidden        403  forbidden
NotFound
└── InvitationGone   404  invitation_gone
TryLater
└── TooManyTries     429  too_many_tries
"""

from __future__ import annotations

from datetime import datetime
from math import ceil

from kameng.kit.errors import BadInput, NotAllowed, NotFound, TryLater


class BadPassword(BadInput):
    """A new password has 10 to 200 characters and is none of those that everybody tries first."""

    code = "bad_password"
    zh = "新密码须为 10 至 200 个字符，且不能是常见密码。"


class BadContact(BadInput):
    """This is no mobile number of mainland China and no mail address."""

    code = "bad_contact"
    zh = "请输入正确的手机号或邮箱。"


class BadCode(BadInput):
    """The code is wrong, or too old: ask for a new one."""

    code = "bad_code"
    zh = "验证码不正确或已失效，请重新获取。"


class BadPasskey(BadInput):
    """The passkey was not accepted: try again, or sign in another way."""

    code = "bad_passkey"
    zh = "通行密钥验证失败，请重试或改用其他方式。"


class NoCodesHere(BadInput):
    """No codes can be sent this way here: use the other one, or ask the shop."""

    code = "no_codes_here"
    zh = "本店暂不支持通过该方式发送验证码，请换用另一种方式或联系客服。"


class NotSignedIn(NotAllowed):
    """Sign in first."""

    code = "not_signed_in"
    status = 401
    zh = "请先登录。"


class SignInRefused(NotAllowed):
    """The sign-in name or the password is wrong."""

    code = "sign_in_refused"
    status = 401
    zh = "登录名或密码不正确。"


class ProofNeeded(NotAllowed):
    """This act asks you to prove once more who you are."""

    code = "proof_needed"
    zh = "此操作需要重新验证身份。"


class Forbidden(NotAllowed):
    """Your role may not do this."""

    code = "forbidden"
    zh = "您的角色无权执行此操作。"


class InvitationGone(NotFound):
    """This invitation was used, was taken back or is too old: ask for a new one."""

    code = "invitation_gone"
    zh = "该邀请已被使用、撤回或已过期，请联系邀请人重新发送。"


class TooManyTries(TryLater):
    """Too many tries: wait a little."""

    code = "too_many_tries"
    status = 429
    zh = "尝试次数过多，请稍后再试。"

    @classmethod
    def until(cls, free_at: datetime, at: datetime) -> TooManyTries:
        seconds = max(1, ceil((free_at - at).total_seconds()))
        if seconds <= 90:
            return cls(f"Too many tries: wait {seconds} s.", detail_zh=f"操作过于频繁，请 {seconds} 秒后再试。")
        minutes = ceil(seconds / 60)
        return cls(f"Too many tries: wait {minutes} minutes.", detail_zh=f"操作过于频繁，请 {minutes} 分钟后再试。")


class BadGuise(BadInput):
    """Nobody's pages can be looked at like this; the field says why."""

    code = "bad_guise"
    zh = "无法以该身份查看，请检查所指字段。"


class OnlyLooking(NotAllowed):
    """You look at these pages as somebody else: nothing can be changed here. Leave that view first."""

    code = "only_looking"
    zh = "当前为代入查看（只读），不能执行操作。请先退出代入。"
