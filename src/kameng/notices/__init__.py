"""Telling: webhooks by Standard Webhooks 1.0, the feed and live events, and messages to people."""

from kameng.notices.channels import Channels, NotSetUp
from kameng.notices.delivering import LEASE_S, Dispatcher
from kameng.notices.errors import (
    BadEndpoint,
    BadMessage,
    BadReplay,
    EndpointDisabled,
    NoSuchEndpoint,
    TooManyEndpoints,
    TooManyMessages,
)  # fmt: skip
from kameng.notices.keeping import purge, reseal
from kameng.notices.live import Hub, LetGo, Watch
from kameng.notices.mail import MailSettings
from kameng.notices.messages import Address, tell, tell_now
from kameng.notices.model import Endpoint, Event, LoggedAttempt, Outcome, data_of
from kameng.notices.reading import FeedPage, LogPage, feed_end, read_feed, read_log
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
from kameng.notices.templates import TEMPLATES
from kameng.notices.working import handlers

__all__ = [
    "LEASE_S",
    "TEMPLATES",
    "Address",
    "BadEndpoint",
    "BadMessage",
    "BadReplay",
    "Channels",
    "Dispatcher",
    "Endpoint",
    "EndpointDisabled",
    "Event",
    "FeedPage",
    "Hub",
    "LetGo",
    "LogPage",
    "LoggedAttempt",
    "MailSettings",
    "NewEndpoint",
    "NoSuchEndpoint",
    "NotSetUp",
    "Outcome",
    "Policy",
    "Sender",
    "SmsSettings",
    "States",
    "TooManyEndpoints",
    "TooManyMessages",
    "Watch",
    "change_endpoint",
    "create_endpoint",
    "data_of",
    "feed_end",
    "find_endpoint",
    "handlers",
    "list_endpoints",
    "open_feed",
    "purge",
    "read_feed",
    "read_log",
    "remove_endpoint",
    "replay",
    "reseal",
    "rotate_secret",
    "tell",
    "tell_now",
    "try_endpoint",
]  # fmt: skip
