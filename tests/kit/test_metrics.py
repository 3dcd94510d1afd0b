"""Metrics: every name the doors and contexts use, in Prometheus' text format."""

from __future__ import annotations

from kameng.kit import metrics


def sample(line_start: str) -> float:
    found = [line for line in metrics.render().decode().splitlines() if line.startswith(line_start)]
    assert len(found) == 1, found
    return float(found[0].rpartition(" ")[2])


def test_every_metric_is_there_with_its_help() -> None:
    text = metrics.render().decode()
    names = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE kameng_")}
    assert names == {
        "kameng_orders_total",
        "kameng_batch_size",
        "kameng_batch_seconds",
        "kameng_gate_seconds",
        "kameng_lane_queue",
        "kameng_refusals_total",
        "kameng_http_requests_total",
        "kameng_jobs_total",
        "kameng_payment_notices_total",
        "kameng_deferred_notices",
        "kameng_deferred_age_seconds",
        "kameng_timetable_runs_total",
        "kameng_steals_total",
        "kameng_stolen_cards_total",
        "kameng_webhooks_total",
        "kameng_messages_total",
        "kameng_tasks",
        "kameng_task_age_seconds",
        "kameng_waiting_orders",
    }
    assert "# HELP kameng_orders_total Orders decided.\n" in text
    assert "process_resident_memory_bytes" in text
    assert "_created" not in text


def test_a_batch_counts_once() -> None:
    metrics.orders.labels("accepted").inc(0)
    before = sample('kameng_orders_total{outcome="accepted"}')
    batches = sample("kameng_batch_size_count")
    metrics.orders.labels("accepted").inc(511)
    metrics.batch_size.observe(512)
    assert sample('kameng_orders_total{outcome="accepted"}') == before + 511
    assert sample("kameng_batch_size_count") == batches + 1


def test_labels() -> None:
    metrics.http_requests.labels("/api/v1/orders", "201").inc()
    metrics.jobs.labels("notices.tell", "done").inc(3)
    metrics.lane_queue.labels(1).set(7)
    assert sample('kameng_http_requests_total{route="/api/v1/orders",status="201"}') == 1
    assert sample('kameng_jobs_total{kind="notices.tell",outcome="done"}') == 3
    assert sample('kameng_lane_queue{lane="1"}') == 7
