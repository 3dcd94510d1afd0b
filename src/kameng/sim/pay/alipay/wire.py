"""What goes over Alipay's wire: an app's signature checked, our answers and notices signed (RSA2)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from aiohttp import web
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.x509.oid import NameOID

from kameng.kit import clock
from kameng.sim.pay.keys import Pair


@dataclass(frozen=True)
class Shop:
    """An app as Alipay knows it; in certificate mode ``roots`` are the root certificates that it was given."""

    name: str
    app_id: str
    seller_id: str
    own: Pair
    signer: Pair
    given: Pair  # whose key or certificate the merchant was given: an older one, where a new one was brought in since
    roots: str = ""

    @property
    def is_by_certificate(self) -> bool:
        return bool(self.roots)


def fault_of(shop: Shop, fields: Mapping[str, str]) -> tuple[str, str] | None:
    """What is wrong with a request: (code, sub-code)."""
    if fields.get("sign_type") != "RSA2" or fields.get("version") != "1.0" or fields.get("charset") != "utf-8":
        return "40002", "isv.invalid-parameter"
    try:
        at = datetime.strptime(fields.get("timestamp", ""), "%Y-%m-%d %H:%M:%S").replace(tzinfo=clock.CHINA)
    except ValueError:
        return "40002", "isv.invalid-timestamp"
    if abs((clock.now() - at).total_seconds()) > 900:
        return "40002", "isv.invalid-timestamp"
    if shop.is_by_certificate and (
        fields.get("app_cert_sn") != serial_of(shop.own)
        or fields.get("alipay_root_cert_sn") != "_".join(serial_of(x) for x in roots_of(shop))
    ):
        return "40002", "isv.invalid-app-cert-sn"
    text = "&".join(f"{k}={v}" for k, v in sorted(fields.items()) if k != "sign" and v != "")
    try:
        signature = base64.b64decode(fields.get("sign", ""))
        shop.own.public.verify(signature, text.encode(), padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, binascii.Error):
        return "40002", "isv.invalid-signature"
    return None


def roots_of(shop: Shop) -> list[Pair]:
    return [Pair(shop.own.key, one) for one in x509.load_pem_x509_certificates(shop.roots.encode())]


def serial_of(pair: Pair) -> str:
    """The MD5 of who issued the certificate and of its number in decimal digits."""
    certificate = pair.certificate
    assert certificate is not None
    parts = (("CN", NameOID.COMMON_NAME), ("OU", NameOID.ORGANIZATIONAL_UNIT_NAME), ("O", NameOID.ORGANIZATION_NAME),
             ("C", NameOID.COUNTRY_NAME))  # fmt: skip
    issuer = ",".join(f"{k}={certificate.issuer.get_attributes_for_oid(oid)[0].value!s}" for k, oid in parts)
    return hashlib.md5(f"{issuer}{certificate.serial_number}".encode(), usedforsecurity=False).hexdigest()


def answered(shop: Shop | None, method: str, said: Mapping[str, object]) -> web.Response:
    """The text of the node is what is signed; slashes are escaped in it, so that nobody writes it anew unpunished."""
    node = json.dumps(said, ensure_ascii=False).replace("/", "\\/")
    name = "error_response" if shop is None else f"{method.replace('.', '_')}_response"
    tail = ""
    if shop is not None and shop.is_by_certificate:
        tail += f',"alipay_cert_sn":"{serial_of(shop.signer)}"'
    if shop is not None:
        tail += f',"sign":"{signed(shop.signer, node)}"'
    return web.Response(text=f'{{"{name}":{node}{tail}}}', content_type="application/json")


def refused(shop: Shop | None, method: str, code: str, sub_code: str, message: str = "") -> web.Response:
    msg = {"20000": "Service Currently Unavailable", "40004": "Business Failed"}.get(code, "Invalid Arguments")
    said = {"code": code, "msg": msg, "sub_code": sub_code, "sub_msg": message or sub_code}
    return answered(shop, method, said)


def notice(shop: Shop, fields: Mapping[str, str]) -> dict[str, str]:
    """With its signature: over everything but ``sign`` and ``sign_type``, the empty values too. A certificate is named
    if it is another than the app was given."""
    if shop.is_by_certificate and serial_of(shop.given) != serial_of(shop.signer):
        fields = {**fields, "alipay_cert_sn": serial_of(shop.signer)}
    text = "&".join(f"{name}={fields[name]}" for name in sorted(fields))
    return {**fields, "sign_type": "RSA2", "sign": signed(shop.signer, text)}


def form_of(fields: Mapping[str, str]) -> bytes:
    return urlencode(fields).encode()


def signed(pair: Pair, text: str) -> str:
    return base64.b64encode(pair.key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()
