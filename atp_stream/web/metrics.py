"""`GET /metrics`: the worker's figures for Prometheus.

Nothing here is per record: counts are kept where the work is done, in plain dicts, and are read when Prometheus asks;
only a step and an HTTP request are observed one by one. What is short, waits or has a gap is counted in the
background while Prometheus asks. No label names an item, so the number of series is bounded.
"""

import time
from collections import Counter
from collections.abc import Mapping
from typing import Final

from aiohttp import web
from faust.sensors.prometheus import FaustMetrics, PrometheusMonitor
from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client import Counter as CounterMetric
from prometheus_client.exposition import choose_encoder

from atp_stream.engine.app import EngineApp
from atp_stream.engine.commit_group import Answer
from atp_stream.engine.watermark import TimeKeeper
from atp_stream.messages.dead_letters import DEAD_LETTER, REASON_HEADER
from atp_stream.messages.outbound import EVENTS
from atp_stream.topics import Topics
from atp_stream.web.access import Access
from atp_stream.web.callers import Role
from atp_stream.web.endpoint import Pages
from atp_stream.web.item_metrics import ItemMetrics
from atp_stream.web.worker_metrics import WorkerMetrics

STEP_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
REQUEST_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)

TURNED_AWAY: Final = ("connections", "descriptors", "handshake", "silence", "unread")
"""Too many of them, no descriptor left, no TLS as it must be, no request in time, an answer that is not read."""

COUNTED: Final = {
    "duplicates": ("atp_duplicates", "Events that came once more, and changed nothing."),
    "past": (
        "atp_past_facts",
        "Facts about stock that came too late to be judged; a newer count holds them, and they changed nothing.",
    ),
    "unpaired": (
        "atp_unpaired_adjustments",
        "Adjustments whose reservation was removed before: they moved the stock, and fulfilled nothing.",
    ),
    "purged": ("atp_purged_rows", "Rows removed because their window of stock time is forgotten."),
    "counted_twice": (
        "atp_supply_counted_twice",
        "Receipts that came after a count which held their units: until then those counted as expected, too.",
    ),
}
"""What the ledger counts besides what it publishes: its name there, that of the metric, and what it is."""


class Metrics:
    """All metrics of one worker.

    `messages` counts input records by (topic, what became of them), `unread` those with fields that nobody reads by
    topic, `timekeeper` knows how long what is due has waited for input, and for which. Call `step` for each step
    that was committed.
    """

    def __init__(
        self,
        app: EngineApp,
        topics: Topics,
        messages: Mapping[tuple[str, str], int],
        unread: Mapping[str, int],
        timekeeper: TimeKeeper,
    ) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call] # they would double the number of samples
        self.registry = CollectorRegistry()
        self._position = app.steps.position
        self._refused: Counter[str] = Counter()  # by the ledger, by reason
        self._count_steps()
        self._count_requests()
        ProcessCollector(registry=self.registry)
        self.registry.register(WorkerMetrics(app, topics, messages, unread, self._refused, timekeeper))
        self.items = ItemMetrics(app)
        self.registry.register(self.items)
        app.monitor = PrometheusMonitor(metrics=_faust_metrics(self.registry))

    def _count_steps(self) -> None:
        registry = self.registry
        self._steps = CounterMetric("atp_steps", "Steps committed.", registry=registry)
        self._records = CounterMetric("atp_log_records", "Item-log records folded.", registry=registry)
        self._seconds = Histogram(
            "atp_step_seconds", "Time of a step, its commit included.", buckets=STEP_SECONDS, registry=registry
        )
        self._age = Histogram(
            "atp_age_seconds",
            "Age of the newest record of a step, from when it was appended to the item log until its numbers show.",
            buckets=STEP_SECONDS,
            registry=registry,
        )
        self._published = CounterMetric("atp_events", "Events published.", ["event"], registry=registry)
        for event in EVENTS.values():
            self._published.labels(event)
        self._counted = {name: CounterMetric(*about, registry=registry) for name, about in COUNTED.items()}

    def _count_requests(self) -> None:
        about, registry = ["method", "path"], self.registry
        self._requests = CounterMetric("atp_http_requests", "Requests answered.", [*about, "status"], registry=registry)
        self._request_seconds = Histogram(
            "atp_http_request_seconds", "Time of a request.", about, buckets=REQUEST_SECONDS, registry=registry
        )

        self._turned_away = CounterMetric(
            "atp_http_turned_away", "Connections ended before they were answered.", ["reason"], registry=registry
        )
        for reason in TURNED_AWAY:
            self._turned_away.labels(reason)

    def turned_away(self, reason: str) -> None:
        """Count a connection that was ended before it was answered."""
        self._turned_away.labels(reason).inc()

    def step(self, partition: int, records: int, answer: Answer, seconds: float) -> None:
        """Count a committed step."""
        outputs = answer.outputs
        self._steps.inc()
        self._records.inc(records)
        self._seconds.observe(seconds)
        position = self._position(partition)
        if records and position is not None:
            self._age.observe(max(0.0, time.time() - position.log_time_ms / 1000))
        for event, count in Counter(output.event for output in outputs).items():
            if event != DEAD_LETTER:
                self._published.labels(event).inc(count)
        self._refused.update(
            dict(output.headers)[REASON_HEADER].decode() for output in outputs if output.event == DEAD_LETTER
        )
        for name, count in answer.counted.items():
            if count:
                self._counted[name].inc(count)

    def request(self, method: str, path: str, status: int, seconds: float | None) -> None:
        """Count an answered request; `path` is the pattern that it met, `seconds` is None for a stream."""
        self._requests.labels(method, path, str(status)).inc()
        if seconds is not None:
            self._request_seconds.labels(method, path).observe(seconds)


def _faust_metrics(registry: CollectorRegistry) -> FaustMetrics:
    """Return Faust's own metrics; to Faust a run of records is one message, so they cost little, and count runs."""
    metrics = FaustMetrics.create(registry, "faust")
    # Acks here bypass what would lower the first three; the last is measured from the end of the request.
    for misleading in (
        metrics.active_messages,
        metrics.total_active_events,
        metrics.events_runtime_latency,
        metrics.http_latency,
    ):
        registry.unregister(misleading)
    return metrics


def add_metrics(metrics: Metrics, pages: Pages) -> None:
    """Serve the metrics."""

    async def view(request: web.Request) -> web.Response:
        metrics.items.ask()
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(metrics.registry), headers={"Content-Type": content_type})

    pages.add("GET", "/metrics", view, Access(Role.OPERATE))
