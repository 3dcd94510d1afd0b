"""What the test has the Python SDK do; the other programs do the same. Writes one JSON object."""

import json
import os
import sys

from kameng_sdk import Client, NoAnswer, WebhookNotGenuine, models, verify_webhook
from kameng_sdk.errors import SoldOut


def main(ref: str, sku: str, bare: str) -> dict[str, object]:
    client = Client(os.environ["KAMENG_URL"], os.environ["KAMENG_KEY"], os.environ["KAMENG_SECRET"])
    placed = client.place_order(models.OrderBody(client_ref=ref, sku=sku, quantity=2))
    told: dict[str, object] = {
        "id": placed.id, "state": placed.state, "total": placed.total, "replayed": placed.replayed,
        "secrets": [card.secret for card in placed.cards],
    }  # fmt: skip
    again = client.place_order(models.OrderBody(client_ref=ref, sku=sku, quantity=2))
    told["again"] = [again.id, again.replayed]
    try:
        client.place_order(models.OrderBody(client_ref=f"{ref}-bare", sku=bare))
    except SoldOut as refused:
        told["refused"] = [refused.status, refused.code, refused.retry, refused.outcome, refused.field]
        told["said"] = refused.title_zh
    told["found"] = [order.client_ref for order in client.list_orders(client_ref=ref).orders]
    told["quote"] = client.ask_quotes(models.QuoteBody(sku=sku, quantity=3)).total
    try:
        client.reveal_order(placed.id)
        told["revealed"] = True
    except NoAnswer:
        told["revealed"] = False
    secret, body = os.environ["WEBHOOK_SECRET"], b'{"type":"order.delivered"}'
    sent = {"Webhook-Id": "msg_1", "Webhook-Timestamp": "1763800000", "Webhook-Signature": os.environ["SIGNATURE"]}
    told["webhook"] = verify_webhook(secret, sent, body, now_s=1763800000)["type"]
    try:
        verify_webhook(secret, sent, body + b" ", now_s=1763800000)
    except WebhookNotGenuine:
        told["forged"] = True
    return told


sys.stdout.write(json.dumps(main(*sys.argv[1:])))
