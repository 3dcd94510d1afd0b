"""What the tests of routing share: channels, requests, and a learner that is fed by hand."""

from __future__ import annotations

from typing import Any

from kameng.routing import Book, Candidate, Learner, Request, Snapshot, View

NOON_MS = 1_767_240_000_000  # 2026-01-01T04:00Z: noon in China
POOL = "wechat/qr"


def candidate(channel_id: int, **fields: Any) -> Candidate:
    return Candidate(channel_id=channel_id, name=f"c{channel_id}", **{"offers": (("wechat", "qr"),), **fields})


def book(*candidates: Candidate, **fields: Any) -> Book:
    return Book(revision=7, candidates=candidates or tuple(map(candidate, (1, 2, 3))), **fields)


def request(**fields: Any) -> Request:
    known: dict[str, Any] = {"payment_id": 99, "method": "wechat", "scene": "qr", "amount_minor": 5_000}
    return Request(**{**known, **fields})


def snapshot(*views: View, at_ms: int = NOON_MS, **fields: Any) -> Snapshot:
    return Snapshot(at_ms=at_ms, views=views, **fields)


class Feed:
    """Feeds a learner with payments that answer after 200 ms; money comes 5 s later."""

    def __init__(self, learner: Learner | None = None) -> None:
        self.learner = learner or Learner()
        self.at_ms = NOON_MS
        self.attempt = 0
        self.coming: list[tuple[int, int]] = []

    def create(
        self, channel_id: int, outcome: str = "accepted", *, is_paid: bool = False, every_ms: int = 4_000
    ) -> None:
        self.wait(every_ms)
        self.attempt += 1
        self.learner.began(self.at_ms, self.attempt, channel_id, POOL)
        self.wait(200)
        self.learner.ended(self.at_ms, self.attempt, outcome)
        if is_paid:
            self.coming.append((self.at_ms + 5_000, self.attempt))

    def many(self, channel_id: int, count: int, *, paid: int = 10, every_ms: int = 4_000) -> None:
        """``paid`` of each ten."""
        for number in range(count):
            self.create(channel_id, is_paid=(number * 7) % 10 < paid, every_ms=every_ms)

    def wait(self, ms: int) -> None:
        until_ms = self.at_ms + ms
        while self.coming and self.coming[0][0] <= until_ms:
            at_ms, attempt = self.coming.pop(0)
            self.learner.paid(at_ms, attempt)
        self.at_ms = until_ms
        self.learner.aged(until_ms)

    def view(self, channel_id: int) -> View:
        return self.learner.snapshot(self.at_ms, POOL, [channel_id]).views[0]

    def told(self) -> list[tuple[str, int]]:
        return [(event.what, event.channel_id) for event in self.learner.take_news()]
