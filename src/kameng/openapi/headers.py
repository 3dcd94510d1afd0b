"""The headers that every answer carries, whatever it is."""

from __future__ import annotations

from kameng.kit import settings

Headers = list[tuple[bytes, bytes]]


def security_headers(chosen: settings.Settings) -> Headers:
    """Pages bring a Content-Security-Policy of their own."""
    headers = [
        (b"content-security-policy", b"default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
        (b"referrer-policy", b"no-referrer"),
        (b"x-content-type-options", b"nosniff"),
        (b"x-frame-options", b"DENY"),
    ]
    if chosen.tls_certificate != "off":
        headers.append((b"strict-transport-security", b"max-age=31536000"))
    return headers
