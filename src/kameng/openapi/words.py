"""The words of the pages: Chinese, English. They may hold markup and values; nothing in them comes from outside."""

HEADS = {
    "reference": '<link rel="stylesheet" href="$look"><link rel="stylesheet" href="$own">'
    '<script src="$bundle" defer></script><script type="module" src="$script"></script>',
}

WORDS: dict[str, tuple[str, str]] = {
    "brand": ("卡盟", "Kameng"),
    "skip": ("跳到正文", "Skip to the content"),
    "nav": ("主导航", "Main"),
    "docs": ("接口文档", "API reference"),
    "codes": ("错误码", "Error codes"),
    "switch": ("English", "中文"),
    "footer": ("卡盟开放平台 · AGPL-3.0", "Kameng, an open platform · AGPL-3.0"),
    # start
    "start_title": ("卡盟开放平台", "Kameng open platform"),
    "hero": ("卡密、直充与权益，一个接口下单", "Card keys, top-ups and entitlements: one API"),
    "lead": (
        "签名的下单请求进来，当场计价、风控、扣款、出卡，一次提交，永不重复。有库存的卡密直接随应答返回。",
        "A signed order comes in, is priced, checked, paid and answered with its card, in one commit and never twice. "
        "Goods in stock come back in the answer itself.",
    ),
    "running": ("网关运行中", "The gateway is running"),
    "skus": ("在售商品", "SKUs on sale"),
    "from_stock": ("即时出卡", "delivered at once"),
    "scenes": ("场景", "scenes"),
    "version_label": ("版本", "version"),
    "steps": ("三步接入", "Three steps"),
    "step_key": ("拿到密钥", "Get a key"),
    "step_key_text": (
        "运行 <code>./run</code> 会建好演示商户并打印密钥。以 <code>ak_test_</code> 开头的是沙箱密钥："
        "模拟资金、模拟卡密，放心调用。",
        "<code>./run</code> makes a demo merchant and prints its keys. One that begins with <code>ak_test_</code> "
        "plays: play money, play cards, call as you like.",
    ),
    "step_sign": ("签名", "Sign"),
    "step_sign_text": (
        "请求方法、路径、查询串、时间戳、nonce、正文摘要六行以换行符连接，用密钥做 HMAC-SHA256。"
        "每个 nonce 只能用一次，时间误差不超过 300 秒（读请求 30 秒）。",
        "Join method, path, query, time, nonce and body digest with line breaks, and make an HMAC-SHA256 of it with "
        "your secret. A nonce works once; clocks may be 300 s apart, 30 s for reads.",
    ),
    "step_order": ("下单", "Order"),
    "step_order_text": (
        "超时或 503 时，用同一 <code>client_ref</code> 重新签名再发：同一外部单号永远只成立一笔订单。",
        "After a time-out or a 503 send the same <code>client_ref</code> again, signed afresh: one reference is one "
        "order, for ever.",
    ),
    "sample": ("复制即可运行：一笔签名订单", "A signed order, ready to run"),
    "sample_text": (
        "需要 bash、openssl 与 curl。先设置 <code>KAMENG_KEY</code> 与 <code>KAMENG_SECRET</code>；"
        "本机自签名证书请给 curl 加上 <code>-k</code>。",
        "Needs bash, openssl and curl. Set <code>KAMENG_KEY</code> and <code>KAMENG_SECRET</code> first; with a "
        "self-signed certificate give curl <code>-k</code>.",
    ),
    "sample_self_test": (
        "密钥可用吗？<code>GET /api/v1/self-test</code> 会告诉您权限、时钟偏差与上线前需要处理的事项。",
        "Does the key work? <code>GET /api/v1/self-test</code> tells what it may do, how far your clock is off, and "
        "what to mend before going live.",
    ),
    "more": ("继续", "Go on"),
    "more_docs": (
        "全部接口、字段与示例，可在线签名调试",
        "Every endpoint, field and example, with a console that signs",
    ),
    "more_codes": ("每个错误码的含义与处理方法", "What every error code means, and what to do"),
    "more_document": ("OpenAPI 3.1 文档，用于生成客户端", "The OpenAPI 3.1 document, to make clients from"),
    # reference
    "reference_title": ("接口文档", "API reference"),
    "console": ("在线调试签名", "Sign what you try out"),
    "console_text": (
        "填入密钥后，下面的 “Try it out” 会自动签名。密钥只留在本页内存中，刷新即消失。"
        "请使用沙箱密钥：<strong>正式密钥下的订单会真实扣款</strong>。",
        "With a key, “Try it out” below signs by itself. The key stays in this page's memory and is gone when you "
        "reload. Use a sandbox key: <strong>orders with a live key are charged</strong>.",
    ),
    "console_key": ("密钥编号", "Key id"),
    "console_secret": ("密钥", "Secret"),
    "console_check": ("检测密钥", "Test the key"),
    "console_insecure": (
        "浏览器只在 https 或本机地址下提供签名功能。",
        "Browsers sign only on https or on this machine itself.",
    ),
    "noscript": ("此页需要 JavaScript；", "This page needs JavaScript; "),
    "document": ("OpenAPI 文档", "the OpenAPI document"),
    # missing
    "missing_title": ("接口文档", "API reference"),
    "missing_text": (
        "接口文档的页面文件尚未获取。在项目目录运行以下命令，然后重启网关：",
        "The reference's files are not here yet. Run this in the project's folder, then restart the gateway:",
    ),
    "missing_meanwhile": ("在此之前可直接阅读", "Meanwhile, read"),
    # errors
    "errors_title": ("错误码", "Error codes"),
    "errors_text": (
        "被拒绝的请求一律以 <code>application/problem+json</code>（RFC 9457）应答。程序请依据 <code>code</code> 处理。",
        "Every refusal is an <code>application/problem+json</code> document (RFC 9457). "
        "Programs go by <code>code</code>.",
    ),
    "retry_never": ("不要重试，先由人处理", "a person must change something first"),
    "retry_same": ("用相同单号、重新签名后重试", "send the same reference again, signed afresh"),
    "retry_new": ("换新单号重试", "try again with a new reference"),
    "retry_query": ("先查询结果，再决定", "query first, then decide"),
    "outcome_none": ("什么都没有发生", "nothing was done"),
    "outcome_unknown": ("结果未知", "not known"),
    "outcome_done": ("已经完成", "it was done"),
    "col_code": ("错误码", "Code"),
    "col_status": ("状态", "Status"),
    "col_meaning": ("含义", "Meaning"),
}  # fmt: skip
