"""The refusals of orders."""

from __future__ import annotations

from kameng.kit.errors import BadInput, Conflict, NotFound, TryLater


class BadOrder(BadInput):
    """The order can't be read; the field says where."""

    code = "bad_order"
    zh = "订单内容有误，请检查所指字段。"


class BadAccount(BadInput):
    """The account to be topped up is wrong; the field says which part."""

    code = "bad_account"
    zh = "充值账号有误，请检查所指字段。"


class BadQuantity(BadInput):
    """The quantity is outside what this SKU allows."""

    code = "bad_quantity"
    zh = "购买数量不符合该商品的限制。"


class ReferenceReused(Conflict):
    """This client_ref stands for another order; use a new one, or send the same content."""

    code = "reference_reused"
    status = 422
    zh = "该外部单号已用于另一笔订单，请更换单号或发送相同内容。"


class NotOnSale(Conflict):
    """This SKU is not on sale now."""

    code = "not_on_sale"
    retry = "same_key"
    zh = "该商品暂未上架销售。"


class SoldOut(Conflict):
    """Not enough in stock; send the same reference again when there is."""

    code = "sold_out"
    retry = "same_key"
    zh = "库存不足，补货后可使用相同单号重试。"


class CardTaken(Conflict):
    """Somebody has the card that you chose; choose another one."""

    code = "card_taken"
    retry = "same_key"
    zh = "所选卡密已被他人购买或预留，请另选一张。"


class ShopClosed(Conflict):
    """The shop you buy from is closed now."""

    code = "shop_closed"
    retry = "same_key"
    zh = "您所在的店铺暂停营业。"


class ShopPaused(Conflict):
    """The shop you buy from can't sell this now; ask it, or try again later."""

    # Its customers learn nothing of its wallet.
    code = "shop_paused"
    retry = "same_key"
    zh = "店铺暂时无法销售该商品，请联系店铺或稍后重试。"


class GroupRefused(Conflict):
    """Another row of this all-or-nothing request was refused, so this one was not placed either."""

    code = "group_refused"
    retry = "same_key"
    zh = "同批次其他行被拒绝，整批未下单。"


class OrderNotFound(NotFound):
    """You have no such order."""

    code = "order_not_found"
    zh = "没有找到该订单。"


class SecretsNotShown(Conflict):
    """This order's cards are not shown any more: it is older than 7 days, or was refunded or replaced."""

    code = "secrets_not_shown"
    zh = "该订单的卡密已不再显示：超过 7 天，或已退款、补发。"


class CardsNotOpened(Conflict):
    """The order stands, but its cards can't be opened now; the platform has been told: ask for them again later."""

    code = "cards_not_opened"
    status = 500
    retry = "same_key"
    outcome = "done"
    zh = "订单已成立，但卡密暂时无法解密显示，平台已收到提醒，请稍后再次查看。"


class StateForbids(Conflict):
    """The order is in a state in which this can't be done."""

    code = "state_forbids"
    zh = "订单当前状态不允许此操作。"


class NoSuchPart(NotFound):
    """This order has no such part; only bundles have any."""

    code = "no_such_part"
    zh = "该订单没有这一项，只有组合商品才有组成内容。"


class PartForbids(Conflict):
    """This part of the order is in a state in which this can't be done."""

    code = "part_forbids"
    zh = "该项组成内容当前状态不允许此操作。"


class CommandReused(Conflict):
    """This key stands for another command to this order; use a new one, or send the same content."""

    code = "command_reused"
    status = 422
    zh = "该操作编号已用于此订单的另一次操作，请更换编号或发送相同内容。"


class NotRefundable(Conflict):
    """What was bought can't be given back; ask the platform's support if something is wrong with it."""

    code = "not_refundable"
    zh = "该商品不支持退款，如商品有问题请联系平台客服。"


class RefundTooLarge(Conflict):
    """The amount must be above zero and no more than what was paid and did not go back yet."""

    code = "refund_too_large"
    zh = "金额必须大于 0，且不得超过已付未退金额。"


class NoSuchCard(NotFound):
    """These are not cards of this order, each named once."""

    code = "no_such_card"
    zh = "所列卡密不属于该订单，或有重复。"


class NotAwaited(Conflict):
    """This order was paid from a wallet; it takes no payment through a channel."""

    code = "payment_not_awaited"
    zh = "该订单由钱包支付，不接受通道付款。"


class PaymentReused(Conflict):
    """This payment belongs to another order."""

    code = "payment_reused"
    status = 422
    zh = "该笔付款已属于另一笔订单。"


class TooManyUnpaid(TryLater):
    """Too much waits for its payment already, of yours or of this SKU; pay or cancel it, or come back later."""

    code = "too_many_unpaid"
    status = 429
    zh = "待付款订单或预留库存过多，请先付款或取消，或稍后再试。"


class BadGuest(BadInput):
    """A guest leaves a contact and a query password; the field says which of them can't be."""

    code = "bad_guest"
    zh = "游客下单须填写联系方式和查询密码，请检查所指字段。"


class TooManyGuesses(TryLater):
    """The query password was wrong too often; come back later."""

    code = "too_many_guesses"
    status = 429
    zh = "查询密码错误次数过多，请稍后再试。"


class BadCommand(BadInput):
    """The command can't be read; the field says where."""

    code = "bad_command"
    zh = "操作内容有误，请检查所指字段。"


class Busy(TryLater):
    """Too many orders are waiting, or the database is away; nothing was done: send it again, signed anew."""

    code = "busy"
    zh = "系统繁忙或数据库暂时无法应答，本次请求未做任何处理，请重新签名并使用相同单号重试。"


class OutcomeUnknown(TryLater):
    """The database did not answer in time; the order may stand: query it by client_ref before anything else."""

    code = "outcome_unknown"
    retry = "query_first"
    outcome = "unknown"
    zh = "数据库未及时应答，订单可能已成立，请先按外部单号查询。"


class OrderNotPlaced(Conflict):
    """This order could not be written; nothing was done and the platform has been told."""

    code = "order_not_placed"
    status = 500
    retry = "same_key"
    zh = "订单写入失败，未做任何扣款，平台已收到提醒。"


class NoAccount(NotFound):
    """This order has no account: it never had one, or it was removed."""

    code = "no_account"
    zh = "该订单没有充值账号信息，或已按规定清除。"


class AccountNotOpened(Conflict):
    """This order's account does not open; its key may be missing from the ring."""

    code = "account_not_opened"
    zh = "该订单的充值账号无法解密，密钥环可能缺少对应密钥。"


class OrdersRunning(Conflict):
    """Orders for this person are not final yet; erase when they are."""

    code = "orders_running"
    zh = "该用户仍有未完结的订单，请在完结后再行清除。"


class BadReason(BadInput):
    """The reason that is written down can't be like this."""

    code = "bad_reason"
    zh = "登记的原因不符合要求。"


class NothingToReturn(Conflict):
    """Nothing of this order waits to be returned to its guest."""

    code = "nothing_to_return"
    zh = "该订单没有待退回的款项。"
