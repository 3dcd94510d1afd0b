"""The numbers of this process, for Prometheus: every metric of Kameng stands here, in a registry of its own.

Cheap on the hot path: a batch counts once (``orders.labels("accepted").inc(512)``), not once per order; a
door keeps the child of ``labels(...)`` it needs often. Labels take few values: never an id, never what a
caller sent.
"""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

disable_created_metrics()  # type: ignore[no-untyped-call] # a second series for each that nobody reads
registry = CollectorRegistry(auto_describe=True)
ProcessCollector(registry=registry)

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)

orders = Counter("kameng_orders", "Orders decided.", ["outcome"], registry=registry)
batch_size = Histogram("kameng_batch_size", "Wishes in a batch.", buckets=_SIZES, registry=registry)
batch_seconds = Histogram(
    "kameng_batch_seconds", "From the first wish taken to the commit.", buckets=_SECONDS, registry=registry
)
gate_seconds = Histogram(
    "kameng_gate_seconds", "How long a transaction held its lane's gate.", buckets=_SECONDS, registry=registry
)
lane_queue = Gauge(
    "kameng_lane_queue", "Wishes waiting for their lane's next batch.", ["lane"], registry=registry
)
refusals = Counter("kameng_refusals", "Refusals by their code.", ["code"], registry=registry)
http_requests = Counter(
    "kameng_http_requests",
    "Requests answered, by route template and status.",
    ["route", "status"],
    registry=registry,
)
payment_notices = Counter(
    "kameng_payment_notices", "Notices of payment providers, by what came of them.", ["effect"], registry=registry
)
deferred_notices = Gauge(
    "kameng_deferred_notices", "Notices of payment providers that were acknowledged and wait for their effect.",
    registry=registry,
)  # fmt: skip
deferred_age = Gauge(
    "kameng_deferred_age_seconds", "How long the oldest of those notices has waited.", registry=registry
)
jobs = Counter(
    "kameng_jobs",
    "Jobs: done, failed (tried again), dead, unknown, late.",
    ["kind", "outcome"],
    registry=registry,
)
timetable_runs = Counter(
    "kameng_timetable_runs", "Runs of timed work: done, failed, late.", ["name", "outcome"], registry=registry
)
steals = Counter(
    "kameng_steals", "Cards fetched from other lanes: found, empty.", ["outcome"], registry=registry
)
stolen_cards = Counter(
    "kameng_stolen_cards", "How many cards were fetched from other lanes.", registry=registry
)
webhooks = Counter(
    "kameng_webhooks", "Attempts to deliver: delivered, failed; endpoints disabled.", ["outcome"], registry=registry
)
tasks = Gauge(
    "kameng_tasks", "Tasks that people work, in all lanes: open, taken; overdue ones are among them.", ["state"],
    registry=registry,
)  # fmt: skip
task_age = Gauge("kameng_task_age_seconds", "How long the oldest live task has been open.", registry=registry)
waiting_orders = Gauge(
    "kameng_waiting_orders", "Orders in all lanes that wait for this kind of job.", ["kind"], registry=registry
)
messages = Counter("kameng_messages", "Messages to people, by channel.", ["channel", "outcome"], registry=registry)


def render() -> bytes:
    """Everything, in Prometheus' text format."""
    return generate_latest(registry)
