"""Packing: what a worker answers with is checked, sealed for its order, and opened again for its buyer."""

from __future__ import annotations

import msgspec

from kameng.fulfilment.errors import BadAnswer
from kameng.fulfilment.model import Answer
from kameng.kit import contents, crypto
from kameng.stock import CardText

TEXT_CHARS_MAX = 4000
CARDS_MAX = 1000
CARD_CHARS_MAX = 500
IMAGE_BYTES_MAX = 1 << 20
IMAGES = ("png", "jpeg", "webp")


class Content(msgspec.Struct, frozen=True):
    """What is sealed of an answer besides its image."""

    text: str
    cards: tuple[CardText, ...]

    def __repr__(self) -> str:
        return "Content(…)"


def check(answer: Answer) -> None:
    """``BadAnswer`` with the first field that can't be."""
    if not (answer.text.strip() or answer.cards or answer.image):
        raise BadAnswer("a text, an image or cards", field="text", detail_zh="请填写文字、图片或卡密")
    if len(answer.text) > TEXT_CHARS_MAX or not _is_printable(answer.text):
        raise BadAnswer(
            f"at most {TEXT_CHARS_MAX} printable characters", field="text",
            detail_zh=f"文字最多 {TEXT_CHARS_MAX} 个可见字符",
        )  # fmt: skip
    if len(answer.cards) > CARDS_MAX:
        raise BadAnswer(f"at most {CARDS_MAX}", field="cards", detail_zh=f"卡密最多 {CARDS_MAX} 张")
    for card in answer.cards:
        if not card.secret or max(len(card.number), len(card.secret)) > CARD_CHARS_MAX or not _is_card(card):
            raise BadAnswer(
                f"each a secret of at most {CARD_CHARS_MAX} printable characters, and a number or none", field="cards",
                detail_zh=f"每张须有密码，卡号与密码最多 {CARD_CHARS_MAX} 个可见字符",
            )  # fmt: skip
    if answer.image and (len(answer.image) > IMAGE_BYTES_MAX or not media_type_of(answer.image)):
        raise BadAnswer(
            f"PNG, JPEG or WebP of at most {IMAGE_BYTES_MAX >> 20} MiB", field="image",
            detail_zh=f"图片须为 PNG、JPEG 或 WebP，不超过 {IMAGE_BYTES_MAX >> 20} MiB",
        )  # fmt: skip


def media_type_of(image: bytes) -> str:
    """What an image is by its first bytes, whatever it is called; empty if it is none that is taken."""
    return contents.media_type_of(image, IMAGES)


def digest_of(ring: crypto.KeyRing, answer: Answer) -> bytes:
    """Tells the same answer from another one, and nothing to whoever has no key."""
    return ring.fingerprint(b"manual_answer", _encode(answer) + b"\0" + answer.image)


def seal(ring: crypto.KeyRing, order_id: int, part_no: int, answer: Answer) -> tuple[bytes, bytes | None]:
    """Its words and its image, each sealed for this part of this order."""
    image = ring.seal(image_of(part_no), order_id, answer.image) if answer.image else None
    return ring.seal(words_of(part_no), order_id, _encode(answer)), image


def open_words(ring: crypto.KeyRing, order_id: int, part_no: int, sealed: bytes) -> Content:
    return msgspec.json.decode(ring.open(words_of(part_no), order_id, sealed), type=Content)


def open_image(ring: crypto.KeyRing, order_id: int, part_no: int, sealed: bytes) -> bytes:
    return ring.open(image_of(part_no), order_id, sealed)


def words_of(part_no: int) -> bytes:
    """What the text and the cards of a part are sealed as, with the order's id."""
    return b"manual_answer.%d" % part_no


def image_of(part_no: int) -> bytes:
    return b"manual_image.%d" % part_no


def _encode(answer: Answer) -> bytes:
    return msgspec.json.encode(Content(answer.text, answer.cards))


def _is_printable(text: str) -> bool:
    return text.replace("\n", "").replace("\r", "").replace("\t", "").isprintable()


def _is_card(card: CardText) -> bool:
    return card.number.isprintable() and card.secret.isprintable()
