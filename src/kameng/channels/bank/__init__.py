"""Bank transfer 银行转账: no provider to call. The payer is shown an account and a code to write into the remark; the
money is known of by the bank's statement, which people import."""

from kameng.channels.bank.transfer import FIELDS, OFFERS, BankTransfer, code_of, codes_in

__all__ = ["FIELDS", "OFFERS", "BankTransfer", "code_of", "codes_in"]
