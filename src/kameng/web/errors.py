"""The door's own refusals.

BadInput
├── BadForm     422  bad_form
└── BadUpload   422  bad_upload
NotAllowed
├── SwitchedOff  403  switched_off
└── ForgedForm  403  forged_form
NotFound
└── NoSuchPage  404  no_such_page
"""

from __future__ import annotations

from kameng.kit.errors import BadInput, NotAllowed, NotFound


class BadForm(BadInput):
    """Some fields can't be taken as they are; each says why."""

    code = "bad_form"
    status = 422
    zh = "部分内容填写有误，请按各项提示修改。"


class BadUpload(BadInput):
    """This file can't be taken; the detail says why."""

    code = "bad_upload"
    status = 422
    zh = "文件无法使用，原因见说明。"


class ForgedForm(NotAllowed):
    """This form is out of date: load the page again and send it once more."""

    code = "forged_form"
    zh = "页面已过期，请刷新后重新提交。"


class NoSuchPage(NotFound):
    """There is no such page."""

    code = "no_such_page"
    zh = "页面不存在。"


class SwitchedOff(NotAllowed):
    """This is switched off just now; ask whoever runs the platform."""

    code = "switched_off"
    zh = "该功能暂未开放，请联系平台。"
