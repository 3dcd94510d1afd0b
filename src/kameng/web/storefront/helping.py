"""Help and notices: what people ask, answered; and what the shop has to say."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get
from litestar.params import FromPath

from kameng.web import caching
from kameng.web.caching import Shown
from kameng.web.errors import NoSuchPage
from kameng.web.parts import AnyRequest
from kameng.web.wording import N_


class Topic(msgspec.Struct, frozen=True):
    """``says``: paragraphs; all of them msgids."""

    title: str
    icon: str
    says: tuple[str, ...]


TOPICS = {
    "buying": Topic(
        N_("How do I buy?"), "cart",
        (
            N_("Choose a face value, press “Buy now”, and pay. With an account your wallet pays; without one you "
               "leave a "
               "contact and a query password."),
            N_("Cards in stock are yours the moment it is paid. The page of the order shows them when you "
               "press “Show”."),
            N_("Pressing twice never buys twice: a form places one order, however often it is sent."),
        ),
    ),
    "not-arrived": Topic(
        N_("It has not arrived: what now?"), "clock",
        (
            N_("Look at the order's page first: it says what is happening, and follows by itself."),
            N_("A quick top-up arrives in minutes; a slow one says in its name how long it may take."),
            N_("What can't be delivered is refunded by itself, to where the money came from. If nobody knows "
               "the outcome "
               "yet, a person verifies it; until then nothing is sent or charged a second time."),
            N_("If it is said to be delivered and you have nothing, tell the shop the order's number."),
        ),
    ),
    "guests": Topic(
        N_("I bought without an account. Where is my order?"), "search",
        (
            N_("“Find an order” at the foot of every page leads to it, with its number and your query password."),
            N_("After three wrong passwords each further try waits longer. We can't tell you the password: only its "
               "fingerprint is kept."),
        ),
    ),
    "topup": Topic(
        N_("What should I check before a top-up?"), "phone",
        (
            N_("The number or account, twice: what was credited can't be taken back."),
            N_("The carrier is recognised by the number. If the number was carried to another one, choose that one "
               "yourself."),
            N_("Not while another top-up of the same number is on its way, and not while the number is suspended."),
        ),
    ),
    "refunds": Topic(
        N_("Can I give something back?"), "shield",
        (
            N_("Each product says it under “Good to know”. What may be given back has a button on its order's "
               "page, until "
               "you confirm it."),
            N_("The money goes back to your wallet, or the way it came."),
        ),
    ),
    "wallet": Topic(
        N_("How do I recharge my wallet?"), "wallet",
        (
            N_("Choose an amount and how to pay in your wallet: the money is there as soon as it is paid. Or transfer "
               "it to the shop, whose staff books it for you."),
            N_("Every line of the wallet is there to read, with the balance after it."),
        ),
    ),
    "safety": Topic(
        N_("How are my cards and my data kept?"), "lock",
        (
            N_("Cards, phone numbers and accounts are sealed; nobody sees them in a list. Each look at a card "
               "is written "
               "down with name and time."),
            N_("Cards are shown for seven days after the order. Save them, or use them."),
            N_("Nobody of ours will ever ask you for a password, a card's secret or a code that came by message."),
        ),
    ),
}  # fmt: skip


@get("/help", opt={"face": "shop"})
async def list_topics(request: AnyRequest) -> Response[Any]:
    return await caching.shown(request, _topics)


async def _topics(_: AnyRequest) -> Shown:
    return Shown("storefront/help.html", {"topics": TOPICS})


@get("/help/{name:str}", opt={"face": "shop"})
async def show(request: AnyRequest, name: FromPath[str]) -> Response[Any]:
    topic = TOPICS.get(name)
    if topic is None:
        raise NoSuchPage

    async def render(_: AnyRequest) -> Shown:
        return Shown("storefront/help_topic.html", {"topic": topic, "topics": TOPICS, "name": name})

    return await caching.shown(request, render)


@get("/notices", opt={"face": "shop"})
async def notices(request: AnyRequest) -> Response[Any]:
    return await caching.shown(request, _notices)


async def _notices(_: AnyRequest) -> Shown:
    return Shown("storefront/notices.html")
