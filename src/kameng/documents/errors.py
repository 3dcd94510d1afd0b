"""Refusals about documents.

BadInput
└── BadDocument      400  bad_document
NotFound
└── NoSuchDocument   404  no_such_document
Conflict
└── DocumentDecided  409  document_decided
"""

from __future__ import annotations

from kameng.kit.errors import BadInput, Conflict, NotFound


class BadDocument(BadInput):
    """A document can't be like this; the detail says which field is wrong and how."""

    code = "bad_document"
    zh = "证照资料不正确，错误字段及原因见说明。"


class NoSuchDocument(NotFound):
    """There is no such document of yours."""

    code = "no_such_document"
    zh = "没有找到该证照文件。"


class DocumentDecided(Conflict):
    """This document was decided or withdrawn already."""

    code = "document_decided"
    zh = "该证照已审核或已撤回。"
