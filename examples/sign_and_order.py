#!/usr/bin/env python3
"""Sign and send one order. Needs Python 3.9 or later, nothing else.

    export KAMENG_URL=https://localhost:8443 KAMENG_KEY=ak_test_… KAMENG_SECRET=ks_…
    python3 sign_and_order.py 100123 1
    python3 sign_and_order.py 100077 1 '{"phone": "13800138000"}'

KAMENG_REF            your own order number (client_ref). The same one again never orders twice.
KAMENG_CA             file with the certificate to trust, for a self-signed server
KAMENG_INSECURE_TLS   1: trust any certificate. For a first try on your own machine only.
"""

import hashlib
import hmac
import http.client
import json
import os
import secrets
import ssl
import sys
import time
from urllib.parse import urlsplit

PATH = "/api/v1/orders"


def main(sku, quantity="1", account=None):
    order = {
        "client_ref": os.environ.get("KAMENG_REF") or f"demo-{secrets.token_hex(8)}",
        "sku": sku,
        "quantity": int(quantity),
    }
    if account:
        order["account"] = json.loads(account)
    body = json.dumps(order).encode()  # sign the very bytes that are sent
    headers = {"Content-Type": "application/json", "Authorization": authorization("POST", PATH, "", body)}
    connection = connect(os.environ["KAMENG_URL"])
    connection.request("POST", PATH, body, headers)
    answer = connection.getresponse()
    print(answer.status)
    print(answer.read().decode())
    return 0 if 200 <= answer.status < 300 else 1


def authorization(method, path, query, body):
    """The value of the Authorization header."""
    key, secret = os.environ["KAMENG_KEY"], os.environ["KAMENG_SECRET"]
    ts, nonce = str(int(time.time())), secrets.token_urlsafe(16)
    canonical = "\n".join([method, path, query, ts, nonce, hashlib.sha256(body).hexdigest()])
    signature = hmac.new(secret.encode(), canonical.encode(), hashlib.sha256).hexdigest()
    return f"KAMENG-HMAC-SHA256 key={key},ts={ts},nonce={nonce},sig={signature}"


def connect(url):
    parts = urlsplit(url)
    if parts.scheme != "https":
        return http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    context = ssl.create_default_context(cafile=os.environ.get("KAMENG_CA"))
    if os.environ.get("KAMENG_INSECURE_TLS") == "1":
        print("warning: the server's certificate is not checked", file=sys.stderr)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=30, context=context)


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 4:
        sys.exit("usage: sign_and_order.py SKU [QUANTITY [ACCOUNT_JSON]]\n" + __doc__)
    sys.exit(main(*sys.argv[1:]))
