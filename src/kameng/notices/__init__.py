"""Telling: webhooks by Standard Webhooks 1.0, the feed and live events, and messages to people."""

from kameng.notices.announcing import STAFF, STAFF_LANE, Notice, announce, announce_now
from kameng.notices.bulletins import Bulletin, Bulletins, every_bulletin, publish, withdraw
from kameng.notices.channels import Channels, NotSetUp
from kameng.notices.delivering import LEASE_S, Dispatcher
from kameng.notices.enrolling import Subscription, Told, subscribe, subscriptions, told, unsubscribe
from kameng.notices.errors import (
    BadBulletin,
    BadEndpoint,
    BadMessage,
    BadReplay,
    EndpointDisabled,
    NoSuchBulletin,
    NoSuchEndpoint,
    NoSuchSubscription,
    TooManyEndpoints,
    TooManyMessages,
    TooManySubscribers,
)  # fmt: skip
from kameng.notices.keeping import purge, reseal
from kameng.notices.live import Hub, LetGo, Watch
from kameng.notices.mail import MailSettings
from kameng.notices.messages import Address, NewMessage, tell, tell_now, was_told
from kameng.notices.model import Endpoint, Event, LoggedAttempt, Outcome, data_of
from kameng.notices.overseeing import Tried, attempts_of, endpoints_in_trouble, every_endpoint
from kameng.notices.reading import FeedPage, LogFilter, LogPage, feed_end, read_feed, read_log
from kameng.notices.sending import Sender
from kameng.notices.showing import States
from kameng.notices.sms import SmsSettings
from kameng.notices.subscribing import (
    NewEndpoint,
    change_endpoint,
    create_endpoint,
    find_endpoint,
    list_endpoints,
    open_feed,
    remove_endpoint,
    replay,
    rotate_secret,
    try_endpoint,
)  # fmt: skip
from kameng.notices.targets import Policy
from kameng.notices.templates import GUESTS_REPEAT_S, LANGUAGES, TEMPLATES, TOPICS
from kameng.notices.watching import watch_desk, watch_work
from kameng.notices.working import handlers

__all__ = [
    "GUESTS_REPEAT_S",
    "LANGUAGES",
    "LEASE_S",
    "STAFF",
    "STAFF_LANE",
    "TEMPLATES",
    "TOPICS",
    "Address",
    "BadBulletin",
    "BadEndpoint",
    "BadMessage",
    "BadReplay",
    "Bulletin",
    "Bulletins",
    "Channels",
    "Dispatcher",
    "Endpoint",
    "EndpointDisabled",
    "Event",
    "FeedPage",
    "Hub",
    "LetGo",
    "LogFilter",
    "LogPage",
    "LoggedAttempt",
    "MailSettings",
    "NewEndpoint",
    "NewMessage",
    "NoSuchBulletin",
    "NoSuchEndpoint",
    "NoSuchSubscription",
    "NotSetUp",
    "Notice",
    "Outcome",
    "Policy",
    "Sender",
    "SmsSettings",
    "States",
    "Subscription",
    "Told",
    "TooManyEndpoints",
    "TooManyMessages",
    "TooManySubscribers",
    "Tried",
    "Watch",
    "announce",
    "announce_now",
    "attempts_of",
    "change_endpoint",
    "create_endpoint",
    "data_of",
    "endpoints_in_trouble",
    "every_bulletin",
    "every_endpoint",
    "feed_end",
    "find_endpoint",
    "handlers",
    "list_endpoints",
    "open_feed",
    "publish",
    "purge",
    "read_feed",
    "read_log",
    "remove_endpoint",
    "replay",
    "reseal",
    "rotate_secret",
    "subscribe",
    "subscriptions",
    "tell",
    "tell_now",
    "told",
    "try_endpoint",
    "unsubscribe",
    "was_told",
    "watch_desk",
    "watch_work",
    "withdraw",
]  # fmt: skip
