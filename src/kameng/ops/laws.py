"""The laws of the audit in words, English and Chinese; ``audit.sql`` has each as a statement of the same name."""

from __future__ import annotations

LAWS: dict[str, tuple[str, str]] = {
    "orders_have_their_cards": (
        "Every delivered order has exactly the cards it paid for, and each points back to it.",
        "每笔已交付订单的卡密数量与购买数量一致，且每张卡都指回该订单。",
    ),
    "cards_have_their_order": (
        "Every sold card belongs to an order that exists and lists it.",
        "每张已售卡密都属于一笔存在且列有该卡的订单。",
    ),
    "cards_delivered_once": (
        "No card was delivered to two orders.",
        "没有任何卡密被交付给两笔订单。",
    ),
    "cards_exist_once": (
        "Every card lies in one lane and has one fingerprint.",
        "每张卡密只在一个分区，且有唯一指纹。",
    ),
    "uses_are_counted": (
        "No reusable card is held by more orders, or has more uses, than it may; all that were issued are there.",
        "循环卡的已签发次数与实际一致，且不超过其可用次数。",
    ),
    "displayed_cards_were_chosen": (
        "Every card on display that was sold or reserved was chosen by its buyer.",
        "每张已售或预留的自选卡都由其买家选定。",
    ),
    "shelves_are_counted": (
        "Every shelf's count is the number of cards on it.",
        "每个货架的数量等于架上的卡密数。",
    ),
    "sandboxes_take_no_cards": (
        "No sandbox order holds a card.",
        "沙箱订单不占用任何真实卡密。",
    ),
    "ledger_sums_to_zero": (
        "The ledger sums to zero in every lane and currency.",
        "每个分区、每种货币的账目合计为零。",
    ),
    "balances_follow_transfers": (
        "Every balance is the sum of its account's transfers.",
        "每个账户余额等于其全部转账之和。",
    ),
    "holds_are_open": (
        "What an account holds is the sum of its open holds.",
        "每个账户的冻结金额等于其未结冻结之和。",
    ),
    "holds_resolve_once": (
        "Every hold is resolved at most once, between its accounts and not above it.",
        "每笔冻结最多结清一次，账户一致且不超过冻结金额。",
    ),
    "no_wallet_below_its_line": (
        "No wallet is below its credit line.",
        "没有钱包低于授信额度。",
    ),
    "transfers_join_accounts": (
        "Every transfer joins two accounts of one currency, and every outside key leads to a transfer.",
        "每笔转账连接同一货币的两个账户，每个外部键对应一笔转账。",
    ),
    "statements_add_up": (
        "Every wallet's statement adds up line by line to its balance.",
        "每个钱包的流水逐行相符，直至当前余额。",
    ),
    "orders_have_one_sale": (
        "Every paid order was charged once: its total, from its buyer's wallet.",
        "每笔已付订单恰好扣款一次，金额与付款钱包一致。",
    ),
    "sales_have_their_order": (
        "Every sale in the ledger has its order.",
        "账本中每笔销售都有对应订单。",
    ),
    "escrow_holds_the_undelivered": (
        "Escrow holds exactly what is left of the paid orders that are not delivered or may still be confirmed.",
        "托管账户恰好等于已付未交付及待确认收货订单的未退金额之和。",
    ),
    "splits_make_the_total": (
        "The platform's part and the agents' margins of every order make its total.",
        "每笔经代理订单的平台部分与各级差价之和等于订单金额。",
    ),
    "margins_follow_their_split": (
        "Every agent's margin of every delivered order is booked once, as its split says.",
        "每笔已交付订单的各级代理差价均按分配恰好入账一次。",
    ),
    "sub_accounts_are_only_swept": (
        "Agents' sub-accounts are moved by margins and sweeps alone.",
        "代理分账账户只因差价和归集而变动。",
    ),
    "lanes_owe_each_other_the_same": (
        "What one lane owes another is what that one has to get, but for what is on its way.",
        "每对分区之间的应付与应收相等（在途资金除外）。",
    ),
    "agents_have_no_cycle": (
        "Whoever buys from an agent buys, over agents alone, from the platform.",
        "每个下级商户沿代理链最终归属平台，且无循环。",
    ),
    "orders_have_one_reference": (
        "Every order has one client reference and every reference one order, of the same organisation.",
        "每笔订单对应唯一外部单号，每个外部单号对应同一商户的唯一订单。",
    ),
    "orders_stand_once": (
        "No archived order stands among today's too.",
        "没有订单既在归档中又在当前表中。",
    ),
    "orders_belong_to_their_caller": (
        "Every order was placed with a key of its own organisation, or by a person at a page.",
        "每笔订单均由本商户的密钥或登录人员提交。",
    ),
    "prices_follow_their_trace": (
        "Every order's price is the last step of its trace, and its SKU's revision stands.",
        "每笔订单的单价等于定价轨迹的最后一步，且商品版本存在。",
    ),
    "events_have_no_gap": (
        "Every order's events are numbered without a gap up to its sequence, and are about an order.",
        "每笔订单的事件序号连续，直至订单当前序号，且均属于真实订单。",
    ),
    "no_order_rests": (
        "Every order that is not final has a job of its own way that is due, or lies on a desk.",
        "每笔未完结订单都有属于其流程的到期任务，或在人工处理台。",
    ),
    "manual_orders_have_their_task": (
        "Every order that people are to work has one live task, or the job that opens it.",
        "每笔处理中的人工订单都有一个有效任务，或有待执行的派单作业。",
    ),
    "answers_are_delivered": (
        "Every task that was answered is of an order that was delivered, and nothing came for one that was refused.",
        "每个已完成的人工任务对应一笔已交付的订单，被拒绝的任务没有交付内容。",
    ),
    "terms_have_their_job": (
        "Every order that awaits payment or confirmation has the job that ends its term.",
        "每笔待付款或待确认收货的订单都有到期处理任务。",
    ),
    "reserved_cards_are_awaited": (
        "Every reserved card belongs to an order that awaits its payment, and that order has no other number of them.",
        "每张预留卡密都属于一笔待付款订单，且数量一致。",
    ),
    "refunds_went_back": (
        "What an order says went back is what the ledger gave back, and never more than was paid.",
        "每笔订单的已退金额等于账本退款之和，且不超过已付金额。",
    ),
    "bundles_have_their_parts": (
        "Every order of a bundle has the parts of its revision, together worth its total.",
        "每笔组合商品订单的组成内容与其版本一致，各项价值之和等于订单金额。",
    ),
    "parts_follow_their_order": (
        "Every part of a bundle is where its order is, and what was paid back of parts went back.",
        "组合商品每项组成内容的状态与订单一致，已退项目的价值均已退回。",
    ),
    "parts_are_waited_for": (
        "Every part of a bundle that is waited for has a job or a task of its own.",
        "组合商品每项待交付的组成内容都有自己的任务或作业。",
    ),
    "parts_have_their_cards": (
        "Every part delivered from stock has its cards, and they are the order's.",
        "每项由库存交付的组成内容卡密齐全，且均属于该订单。",
    ),
    "commands_took_effect": (
        "Every command to an order took effect on it, and every payment was booked once.",
        "每项订单操作均已生效，每笔通道付款仅入账一次。",
    ),
    "reveals_are_by_their_own": (
        "Every reveal of cards was done in the name of the order's own organisation, by one of its keys or a person.",
        "每次查看卡密均以订单所属商户名义，由其密钥或真实人员进行。",
    ),
    "subjects_belong_to_their_organisation": (
        "Audit lines, events, jobs and transfers of wallets are about what belongs to the organisation they name.",
        "审计记录、事件、任务与钱包转账所涉对象均属于其所记商户。",
    ),
    "adjustments_are_booked_once": (
        "Every executed adjustment has its one transfer, others have none, and large ones had a second person.",
        "每笔已执行的加款扣款恰有一笔转账，其余没有，超限者均经第二人复核。",
    ),
    "withdrawals_follow_their_holds": (
        "Every open withdrawal is held, every paid one posted under a bank reference of its own, any other let go.",
        "每笔处理中的提现均已冻结，已打款的均已入账且银行流水号唯一，其余均已解冻。",
    ),
    "payouts_are_booked": (
        "Every payout's money lies in suspense until it ended, then it left or went back, once; open ones have a job.",
        "每笔打款的资金在结果确定前挂账，确定后仅付出或退回一次；处理中的均有查询任务。",
    ),
    "closed_months_stand": (
        "Every closed month's sums are those of its transfers, and open with what the one before closed with.",
        "每个已结账月份的合计等于其全部转账，且期初等于上期期末。",
    ),
    "organisations_have_one_wallet": (
        "Every organisation has one wallet, in its lane and currency.",
        "每个商户在其分区、其货币下恰有一个钱包。",
    ),
    "ids_bear_their_lane": (
        "Every id bears its row's lane and was dealt by its gate.",
        "每个编号都含其所在分区，且由该分区发放。",
    ),
    "nonces_lie_in_drawers": (
        "Every nonce lies in a drawer that will be emptied.",
        "每个随机数都在会被轮流清空的抽屉中。",
    ),
    "secrets_are_sealed": (
        "Every card, key, account and payee is sealed with a key of the ring.",
        "每张卡密、每个密钥、充值账号和收款人都以密钥环中的密钥加密。",
    ),
    "passwords_are_wiped": (
        "No final order's account holds a password for longer than an hour.",
        "已完结订单的账号信息中，密码保留不超过一小时。",
    ),
    "marks_find_accounts": (
        "Every mark finds an order whose account is there.",
        "每个检索标记都对应一笔仍保有账号信息的订单。",
    ),
    "nothing_changes_what_was_written": (
        "The triggers that protect transfers, audit lines, revisions and closed months are in place.",
        "保护转账、审计记录、商品版本和已结账月份不被修改的触发器均已启用。",
    ),
    "webhooks_pass_nothing_by": (
        "No webhook's cursor passed what was owed to it and was neither delivered, late nor overtaken.",
        "没有任何 webhook 的游标越过尚未送达、未列入重试且未被取代的事件。",
    ),
    "webhooks_say_why_they_rest": (
        "Every webhook is in the state that its last act left it in, and is told what it waits for.",
        "每个 webhook 的状态与最近一次操作一致，停用者均有原因。",
    ),
    "returns_are_booked_once": (
        "Every return to a guest is booked once under its reference, and never above what was set aside.",
        "每笔退给顾客的款项按流水号恰好入账一次，且不超过挂账金额。",
    ),
    "card_files_count_exactly": (
        "Every file of cards counts as many as its batch has, and one that is done was gone through to its end.",
        "每个卡密文件的入库数与其批次一致，已完成的文件全部处理完毕。",
    ),
    "payments_are_booked_once": (
        "Every payment that came in is booked once, out of its channel, and one of those for the same thing paid it.",
        "每笔到账付款恰好入账一次，且同一应付只由其中一笔付清。",
    ),
    "what_is_paid_was_paid_for": (
        "Everything paid was paid by its own payment, recharges with their bonus; what a wallet adds follows it.",
        "每笔已付款项均由其付款付清，充值及赠送一致，钱包部分随之冻结、扣除或解冻。",
    ),
    "refunds_to_origin_are_booked": (
        "Every refund through a channel is booked once when it is done, and never above what was paid.",
        "每笔原路退款到账后恰好入账一次，且不超过已付金额。",
    ),
    "open_payments_are_looked_after": (
        "Every open payment and refund has the job that asks its provider; late and double money is on its way back.",
        "每笔未决付款与退款都有查询任务，迟到与重复付款均在原路退回。",
    ),
    "acknowledged_notices_are_done": (
        "No acknowledged notice of a provider waits for its effect longer than ten minutes, or a person knows.",
        "已应答的渠道通知均在十分钟内入账，否则已转人工处理。",
    ),
    "kept_files_have_an_owner": (
        "Every sealed file belongs to a document that stands, or to cards that are not loaded yet.",
        "每个加密保存的文件都属于有效证照，或尚未入库完成的卡密文件。",
    ),
    "epay_shops_are_told": (
        "Every payment of an epay shop is of what it wished for; one that is paid was told to it, or is being told.",
        "每笔易支付商户订单与其申请一致，收款后已通知或正在通知商户。",
    ),
    "agents_pay_what_they_collect": (
        "What agents' own channels brought left their wallets as much, and what went back came back to them.",
        "代理自收款通道的每笔订单收款均已从其钱包扣除，原路退款均已退回其钱包。",
    ),
    "channels_hold_what_is_unmatched": (
        "Every payment channel's account is what no bill or bank statement settled yet, but for open differences.",
        "每个支付通道账户的余额等于尚未对账结清的款项，差错挂账除外。",
    ),
    "bills_are_settled_whole": (
        "Every bill that is settled moved the sum of its lines to the bank, lane by lane, and left none aside.",
        "每份已对账的账单均按其全部明细之和结转至银行，无遗漏。",
    ),
    "differences_lie_in_suspense": (
        "Every open difference has its money in suspense, and of a resolved one nothing is left there.",
        "每笔未处理的对账差错均有等额挂账，已处理的均无余额。",
    ),
    "differences_go_back_to_their_origin": (
        "Every difference whose money goes back to its origin has its refund; what went by hand left suspense once.",
        "每笔原路退回的对账差错均有对应退款；人工退还的款项均已从挂账转出一次。",
    ),
}
"""The laws that are a statement of their own in ``audit.sql``."""

DURABLE = (
    "The database keeps what it acknowledged: fsync, full_page_writes and synchronous_commit are on.",
    "数据库落盘设置已开启：fsync、full_page_writes、synchronous_commit。",
)
OPEN = (
    "Sampled cards, keys and accounts open and fit their fingerprints.",
    "抽样的卡密、密钥与账号可解密且指纹相符。",
)
CLEAR = (
    "No sampled card, account or API secret stands in clear in a trace, event, audit line, job, error or file name.",
    "抽样的卡密、充值账号与 API 密文未以明文出现在轨迹、事件、审计、任务、错误或文件名中。",
)
