"""What reconciliation refuses."""

from __future__ import annotations

from kameng.kit.errors import BadInput, Conflict, NotFound, TryLater


class BadReconciliation(BadInput):
    """Reconciliation can't take this; the detail says which field is wrong and how."""

    code = "bad_reconciliation"
    zh = "该对账操作无法受理，错误字段及原因见说明。"


class BadStatement(BadInput):
    """This is no bank statement that can be read; the detail names each line that is wrong. Nothing was imported."""

    code = "bad_statement"
    zh = "银行流水文件无法导入，出错行见说明；未导入任何内容。"


class NoSuchCase(NotFound):
    """There is no such difference."""

    code = "no_such_case"
    zh = "没有这笔差错。"


class CaseNotOpen(Conflict):
    """In its present state this difference can't take that step; the detail says why."""

    code = "case_not_open"
    zh = "该差错当前状态不允许此操作，原因见说明。"


class SecondResolverNeeded(Conflict):
    """Somebody else has to agree to this."""

    code = "second_resolver_needed"
    zh = "此处理须由另一人复核。"


class BillNotThere(TryLater):
    """The provider has no bill of that day yet; it is asked again."""

    code = "bill_not_there"
    zh = "支付渠道尚未出具当日账单，系统稍后会再次获取。"


class BillChanged(Conflict):
    """The provider's bill differs from the one that was settled; ask the provider."""

    code = "bill_changed"
    zh = "渠道账单与已对账的账单不一致，请联系支付渠道核实。"
