"""The signature, against the worked example of Standard Webhooks' own specification."""

from __future__ import annotations

import base64

from kameng.notices import signing


def test_a_secret_is_what_the_libraries_take() -> None:
    secret = signing.new_secret()
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32
    assert signing.key_of(secret) == base64.b64decode(secret[6:])
    assert signing.new_secret() != secret


def test_signatures_of_the_specifications_example() -> None:
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8" + "ILPZIo2LaLaSw")
    made = signing.headers(
        [key, b"other"], message_id="msg_p5jXN8AQM9LWM0D4loKWxJek", ts_s=1614265330, body=b'{"test": 2432232314}'
    )
    first, second = made["webhook-signature"].split()
    assert first == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert second.startswith("v1,")
    assert (made["webhook-id"], made["webhook-timestamp"]) == ("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330")
