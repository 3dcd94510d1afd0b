"""Examples for the document; a test holds each against its schema."""

from __future__ import annotations

from typing import Any

Example = dict[str, Any]

AT = "2026-11-22T08:30:00.000Z"
CARD = {"number": "8614002600012345", "secret": "4Q7T-9XKD-22PM", "expires_on": "2028-12-31"}

ORDER_BODY: Example = {"client_ref": "A-1001", "sku": "100001", "quantity": 1, "max_price": "98.5000"}
SEARCH_BODY: Example = {"account": "138 0013 8000"}
BULK_BODY: Example = {
    "mode": "each",
    "orders": [
        {"client_ref": "A-1002", "sku": "100001", "quantity": 2},
        {"client_ref": "A-1003", "sku": "100042", "account": {"phone": "13800138000"}},
    ],
}
_FACTS: Example = {
    "id": "251803443200008192", "client_ref": "A-1001", "sku": "100001", "quantity": 1, "unit_price": "98.5000",
    "total": "98.5000", "currency": "CNY", "state": "delivered", "sequence": 1, "placed_at": AT,
}  # fmt: skip
PLACED: Example = {**_FACTS, "replayed": False, "cards": [CARD]}
REPLAYED: Example = {**PLACED, "replayed": True}
REVEALED: Example = {
    **PLACED, "cards": [], "goods": [
        {
            "part": 0, "text": "已为您办理，凭证号 90017", "cards": [{"number": "", "secret": "4Q7T-9XKD-22PM"}],
            "image": {"media_type": "image/png", "bytes": 20480}, "answered_at": AT,
        }
    ],
}  # fmt: skip
IMAGE: Example = {"part": 0, "media_type": "image/png", "data": "iVBORw0KGgo="}
ORDER: Example = {
    **_FACTS, "sku": "100042", "trace": [{"rule": "list", "unit_price": "98.5000"}], "refunded": "0.0000",
    "confirm_until": None, "account": {"phone": "138****8000"}, "parts": [],
}  # fmt: skip
CANCELLING: Example = {**ORDER, "state": "cancelling", "sequence": 2}
SETTLED: Example = {**ORDER, "state": "settled", "sequence": 2}
REFUNDED: Example = {**ORDER, "state": "refunded", "sequence": 2, "refunded": "98.5000"}
ORDERS: Example = {"orders": [ORDER], "next_cursor": "A36UkdZgAAA"}
EVENTS: Example = {
    "events": [
        {
            "sequence": 1, "id": "251803443200008192", "kind": "order.delivered", "actor": "251803440000004096",
            "at": AT, "data": None,
        }
    ]
}  # fmt: skip
BULK: Example = {
    "results": [
        {"index": 0, "status": 201, "order": {**PLACED, "client_ref": "A-1002", "quantity": 2, "total": "197.0000"}},
        {
            "index": 1,
            "status": 409,
            "problem": {
                "type": "/docs/errors#insufficient_balance",
                "title": "The wallet holds too little for this; recharge it and send the same reference again.",
                "title_zh": "钱包余额不足，请充值后使用相同单号重试。",
                "status": 409,
                "code": "insufficient_balance",
                "retry": "same_key",
                "outcome": "none",
            },
        },
    ],
    "accepted": 1,
    "refused": 1,
}
SKU: Example = {
    "sku": "100042", "scene": "话费", "brand": "中国移动", "product": "全国移动话费", "spec": "100元", "kind": "topup",
    "face_value": "100.0000", "face_currency": "CNY", "price": "99.2000", "currency": "CNY",
    "form": [
        {
            "name": "phone", "label": "手机号", "label_en": "Mobile number", "widget": "number",
            "pattern": "1[3-9][0-9]{9}", "min_length": 11, "max_length": 11, "required": True, "private": True,
        }
    ],
    "region": "全国", "note": "", "quantity_min": 1, "quantity_max": 1, "quantity_step": 1, "state": "on_sale",
    "refundable": False, "reversible": False, "delivery_promise_minutes": 10, "redeem_instructions": "", "barcode": "",
    "confirm_days": None,
    "external_ref": "ERP-88-100042", "parts": [], "pickable": False, "pick_fee": "0.0000",
    "form_schema": {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {"phone": {"type": "string", "title": "手机号", "pattern": "^(?:1[3-9][0-9]{9})$"}},
        "required": ["phone"],
        "additionalProperties": False,
    },
}  # fmt: skip
CATALOGUE: Example = {"skus": [{name: value for name, value in SKU.items() if name != "form_schema"}]}
CHANGES: Example = {
    "changes": [{"change": "changed", "revision": 3, "at": AT, "product": CATALOGUE["skus"][0]}],
    "next_after": "AAAAAAAAAAcAAAAAAAGGyg", "more": False,
}  # fmt: skip
STOCK: Example = {
    "stock": [
        {"sku": "100001", "band": "plenty", "from_stock": True},
        {"sku": "100002", "band": "few", "from_stock": True},
    ]
}
DISPLAY: Example = {
    "cards": [
        {
            "id": "251803443200008200", "label": "尾号 8888", "fee": "20.0000", "price": "118.5000", "expires_on": None,
        }
    ],
    "next_cursor": None,
}  # fmt: skip
QUOTE_BODY: Example = {"sku": "100001", "quantity": 10}
QUOTE: Example = {
    "sku": "100001", "quantity": 10, "currency": "CNY", "unit_price": "97.0225", "total": "970.2250",
    "trace": [
        {"rule": "list", "unit_price": "98.5000"},
        {"rule": "tier:10", "unit_price": "97.0225"},
    ],
}  # fmt: skip
BALANCE: Example = {
    "currency": "CNY", "posted": "10000.0000", "held": "0.0000", "credit_line": "0.0000", "available": "10000.0000",
}  # fmt: skip
STATEMENT: Example = {
    "currency": "CNY",
    "lines": [
        {
            "id": "251803443200008192", "at": AT, "kind": "posted", "code": "sale", "subject": "251803443200008192",
            "amount": "-98.5000", "balance_after": "9901.5000",
        }
    ],
    "next_cursor": None,
}  # fmt: skip
WEBHOOK_BODY: Example = {"url": "https://shop.example/kameng", "kinds": ["order.*"], "name": "ERP"}
WEBHOOK: Example = {
    "id": "251803443200012288", "name": "ERP", "url": "https://shop.example/kameng", "kinds": ["order.*"],
    "state": "active", "reason": "", "created_at": AT, "failures": 0, "failing_since": None, "paused_until": None,
}  # fmt: skip
WEBHOOKS: Example = {"webhooks": [WEBHOOK]}
NEW_WEBHOOK: Example = {"webhook": WEBHOOK, "secret": "whsec_…"}
WEBHOOK_REMOVED: Example = {"id": "251803443200012288", "state": "removed"}
WEBHOOK_TESTED: Example = {"delivered": True, "status": 204, "took_ms": 38, "fault": ""}
REPLAYING: Example = {"id": "251803443200012288", "state": "replaying"}
DELIVERIES: Example = {
    "deliveries": [
        {"event": "251803443200008192", "attempt": 1, "at": AT, "status": 204, "took_ms": 38, "fault": ""},
    ],
    "next_cursor": None,
}
FEED: Example = {
    "events": [
        {
            "id": "251803443200008192", "type": "order.delivered", "timestamp": AT,
            "data": {**ORDER, "event_id": "251803443200008192", "event_sequence": 1},
        }
    ],
    "next_cursor": "A36UkdZgAAA", "more": False,
}  # fmt: skip
SELF_TEST: Example = {
    "key": "ak_test_251803440000004096", "sandbox": True, "organisation": "测试商户 沙箱",
    "organisation_id": "251803440000004097", "currency": "XTS", "signed_with": "KAMENG-HMAC-SHA256",
    "scopes": ["balance:read", "cards:read", "catalogue:read", "orders:place", "orders:read", "webhooks:manage"],
    "allowed_ips": [],
    "your_ip": "203.0.113.7", "rate_per_second": 1000, "daily_limit": None, "expires_at": None, "server_time": AT,
    "clock_ahead_ms": 0,
    "warnings": [
        {
            "code": "sandbox", "en": "This key plays: money and cards are not real.",
            "zh": "这是沙箱密钥：资金与卡密均为模拟。",
        }
    ],
}  # fmt: skip
BUYERS: Example = {
    "buyers": [
        {
            "id": "251803443200008195", "name": "云帆商行", "kind": "merchant", "level": 2, "state": "active",
            "currency": "CNY", "available": "1200.0000", "self_collected": False, "minimum_balance": None,
            "day_budget": "500.0000", "month_budget": None,
        }
    ],
    "next_cursor": None,
}  # fmt: skip
SHOP_ORDERS: Example = {
    "orders": [
        {
            "id": "251803443200008193", "buyer": "251803443200008195", "sku": "100001", "quantity": 2,
            "unit_price": "99.0000", "total": "198.0000", "refunded": "0.0000", "margin": "1.0000",
            "state": "delivered", "placed_at": AT,
        }
    ],
    "next_cursor": None,
}  # fmt: skip
EARNINGS: Example = {"currency": "CNY", "to_settle": "12.5000", "available": "880.0000"}
TEMPLATE_BODY: Example = {
    "scope": "brand", "which": "京东", "level": None,
    "markup": {"fixed": "0.5000", "percent": "1.0000", "unit": "0.01", "rounding": "up", "ending": "0.0000"},
}  # fmt: skip
TEMPLATES: Example = {"templates": [TEMPLATE_BODY]}
BOUND_BODY: Example = {"sku": "100001", "floor": "98.0000", "ceiling": "105.0000"}
BOUNDS: Example = {"bounds": [BOUND_BODY]}
BUYER_PRICE_BODY: Example = {"sku": "100001", "buyer": "251803443200008195", "price": "98.7000"}
BUYER_PRICES: Example = {"prices": [BUYER_PRICE_BODY]}
SUPPLIED: Example = {
    "skus": [
        {
            "sku": "100001", "brand": "京东", "product": "京东E卡", "spec": "100元", "state": "on_sale",
            "external_ref": "", "batches": 2, "loaded": 1980, "refused": 20, "last_loaded_at": AT,
        }
    ]
}  # fmt: skip
BATCHES: Example = {
    "batches": [
        {
            "id": "251803443200008193", "sku": "100001", "name": "cards.txt", "loaded": 990, "refused": 10,
            "paid": "96030.0000", "expires_on": "2028-12-31", "loaded_at": AT, "hosts": [],
        }
    ],
    "next_cursor": None,
}  # fmt: skip
LOADED: Example = {
    "batch": "251803443200008193", "sku": "100001", "loaded": 990,
    "refused": [
        {
            "line": 7, "reason": "loaded_before", "en": "This card was loaded before.", "zh": "该卡此前已入库。",
            "preview": "8614****",
        }
    ],
}  # fmt: skip
LIVE_STOCK: Example = {
    "stock": [
        {
            "batch": "251803443200008193", "sku": "100001", "name": "cards.txt", "loaded_at": AT, "on_shelf": 700,
            "reserved": 3, "sold": 285, "quarantined": 1, "voided": 1,
        }
    ],
    "next_cursor": None,
}  # fmt: skip
VOID_BODY: Example = {"sku": "100001", "numbers": ["8614002600012345", "8614002600012346"], "reason": "印刷错误"}
VOIDED: Example = {
    "voided": 1, "already_voided": 0, "sold": 1, "reserved": 0,
    "refused": [{"line": 2, "reason": "sold", "en": "It was sold.", "zh": "已售出。", "preview": "8614****"}],
}  # fmt: skip
CHECKLIST: Example = {
    "key": "ak_test_251803440000004096", "ready": False,
    "items": [
        {"code": "signed", "done": True, "en": "Sign a request.", "zh": "发出一个签名正确的请求。"},
        {"code": "placed", "done": False, "en": "Place an order.", "zh": "成功下一笔订单。"},
    ],
}  # fmt: skip
ERRORS: Example = {
    "errors": [
        {
            "code": "busy", "status": 503, "retry": "same_key", "outcome": "none",
            "title": "Too many orders are waiting; nothing was done: send the same reference again, signed anew.",
            "title_zh": "系统繁忙，本次请求未做任何处理，请重新签名并使用相同单号重试。",
        }
    ]
}  # fmt: skip

_TOTALS: Example = {
    "opening": "10000.0000", "in": "500.0000", "refunded": "0.0000", "out": "98.5000", "closing": "10401.5000",
}  # fmt: skip
STATEMENTS: Example = {
    "currency": "CNY", "by": "day", "from": "2026-11-22", "to": "2026-11-22", "final": True,
    "sections": [
        {
            "key": "2026-11-22", "name": "", "opening": "10000.0000", "closing": "10401.5000",
            "entries": [
                {"code": "recharge", "count": 1, "in": "500.0000", "refunded": "0.0000", "out": "0.0000"},
                {"code": "sale", "count": 1, "in": "0.0000", "refunded": "0.0000", "out": "98.5000"},
            ],
        }
    ],
    **_TOTALS,
}  # fmt: skip
STATEMENTS_CSV = "编号 key,名称 name,项目 item,笔数 count,收入 in,退款 refunded,支出 out,余额 balance\r\n"
WITHDRAWAL_BODY: Example = {
    "client_ref": "W-1001", "amount": "500.00",
    "payee": {"method": "bank", "name": "张小明", "account": "6222020012345678", "bank": "招商银行"},
}  # fmt: skip
WITHDRAWAL: Example = {
    "id": "251803443200008192", "client_ref": "W-1001", "amount": "500.0000", "fee": "0.0000", "currency": "CNY",
    "payee": "招商银行 张* ****5678", "state": "requested", "sequence": 1, "requested_at": AT, "closed_at": None,
    "note": "", "external_ref": None,
}  # fmt: skip
WITHDRAWALS: Example = {"withdrawals": [WITHDRAWAL], "next_cursor": None}
CANCELLED: Example = {**WITHDRAWAL, "state": "cancelled", "sequence": 2, "closed_at": AT}
PAY_BODY: Example = {"method": "wechat", "scene": "qr"}
PAYMENT: Example = {
    "id": "251803443200008196", "number": "K251803443200008196", "attempt": 1, "method": "wechat", "scene": "qr",
    "amount": "98.5000", "currency": "CNY", "state": "waiting", "refunded": "0.0000",
    "expires_at": "2026-11-22T09:00:00.000Z", "paid_at": None,
    "shown": {"kind": "qr", "text": "weixin://wxpay/bizpayurl?pr=p4lpSuK", "fields": {}},
}  # fmt: skip
PAYMENTS: Example = {"payments": [{**PAYMENT, "state": "paid", "paid_at": AT, "shown": None}]}
RECHARGE_BODY: Example = {"client_ref": "R-1001", "amount": "500.00", "method": "alipay", "scene": "qr"}
RECHARGE: Example = {
    "id": "251803443200008197", "client_ref": "R-1001", "amount": "500.0000", "bonus": "20.0000", "currency": "CNY",
    "state": "open", "expires_at": "2026-11-22T09:30:00.000Z", "payments": [{**PAYMENT, "amount": "500.0000"}],
}  # fmt: skip
RECHARGES: Example = {"recharges": [{**RECHARGE, "state": "paid", "payments": []}], "next_cursor": None}
PRICE_CHANGES: Example = {
    "changes": [
        {
            "id": "42", "at": AT, "sku": "100001", "why": "level", "before": "98.5000", "after": "97.5000",
            "off_per_mille_before": None, "off_per_mille_after": None,
        }
    ],
    "next_cursor": None,
}  # fmt: skip
TASK: Example = {
    "id": "251803443200008195", "order": "251803443200008192", "part": 0, "sku": "100130", "product": "代办服务",
    "spec": "1次", "quantity": 1, "state": "open", "order_state": "fulfilling", "opened_at": AT,
    "due_at": "2026-11-22T10:30:00.000Z", "overdue": False, "taken_until": None, "stop_asked": False,
    "account": {"phone": "138****8000"},
}  # fmt: skip
TASKS: Example = {"orders": [TASK], "next_cursor": None}
TAKEN: Example = {
    **TASK, "state": "taken", "taken_until": "2026-11-22T09:00:00.000Z", "account": {"phone": "13800138000"}
}  # fmt: skip
ANSWER_BODY: Example = {"text": "已为您办理，凭证号 90017", "cards": [{"secret": "4Q7T-9XKD-22PM"}]}
ANSWERED: Example = {**TASK, "state": "answered", "order_state": "delivered"}
REFUSAL_BODY: Example = {"reason": "该号码无法办理"}
TASK_REFUSED: Example = {**TASK, "state": "refused", "order_state": "refunded"}
