"""`GET /metrics`: the worker's figures for Prometheus.

Nothing here is per record: counts are kept where the work is done, in plain dicts, and are read when Prometheus asks;
only a step and an HTTP request are observed one by one. What is short, waits or has a gap is counted in the
background while Prometheus asks. No label names an item, so the number of series is bounded.
"""

import platform
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from itertools import takewhile
from typing import Final

from aiohttp import web
from faust.sensors.prometheus import FaustMetrics, PrometheusMonitor
from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client import Counter as CounterMetric
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from atp_stream import __version__
from atp_stream.domain.reasons import Reason
from atp_stream.domain.row_keys import GENERATIONS, PURGE, QUARANTINE, STOCK_TIME, generation_of, generation_prefix
from atp_stream.domain.state.rows import PurgeRow
from atp_stream.engine import lag
from atp_stream.engine.app import EngineApp
from atp_stream.engine.commit_group import Answer
from atp_stream.engine.watermark import TimeKeeper
from atp_stream.messages.dead_letters import DEAD_LETTER, REASON_HEADER
from atp_stream.messages.outbound import EVENTS
from atp_stream.topics import Topics
from atp_stream.web.access import Access
from atp_stream.web.callers import Role
from atp_stream.web.endpoint import Pages
from atp_stream.web.gauges import Values, gauge
from atp_stream.web.health import WorkerState, state_of
from atp_stream.web.item_metrics import ItemMetrics
from atp_stream.web.routing import read_row

STEP_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
REQUEST_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_NOT_REFUSED: Final = ("accepted", "skipped_")  # what outcomes of input begin with that is no dead letter

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
    topic, `timekeeper` knows how long what is due has waited for input, and for which. Let `step` be told of each step
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
        self.registry.register(_Running(app, topics, messages, unread, self._refused, timekeeper))
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


class _Running(Collector):
    """What is read off the running worker when it is asked for."""

    def __init__(
        self,
        app: EngineApp,
        topics: Topics,
        messages: Mapping[tuple[str, str], int],
        unread: Mapping[str, int],
        refused: Mapping[str, int],
        timekeeper: TimeKeeper,
    ) -> None:
        self._app = app
        self._sources = [topic.name for topic in topics.inputs]
        self._messages = messages
        self._unread = unread
        self._refused = refused
        self._timekeeper = timekeeper

    def describe(self) -> Iterator[Metric]:
        """Return nothing: the registry would collect for the names alone, before the app has a consumer."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics as they are now."""
        app = self._app
        build = {"version": __version__, "faust": version("faust-streaming"), "python": platform.python_version()}
        yield gauge("atp_build_info", "What runs here.", {tuple(build.values()): 1}, *build)
        now = state_of(app)
        yield gauge(
            "atp_worker_state",
            "What the worker is about; 1 for that, 0 for the others.",
            {(one,): one is now for one in WorkerState},
            "state",
        )
        yield gauge("atp_partitions_owned", "Log partitions owned.", {(): len(app.steps.owned())})
        left = lag.records_to_restore(app)
        yield gauge("atp_restore_records_left", "Changelog records to restore before all is served.", {(): left})
        yield gauge("atp_quarantined_items", "Items of owned partitions in quarantine.", {(): quarantined(app)})
        messages = CounterMetricFamily(
            "atp_messages", "Input records read, by what became of them.", labels=["topic", "outcome"]
        )
        none = dict.fromkeys(((topic, "accepted") for topic in self._sources), 0)  # there before the first message
        for labels, count in sorted((none | dict(self._messages)).items()):
            messages.add_metric(labels, count)
        yield messages
        unread = CounterMetricFamily(
            "atp_unread_fields",
            "JSON records with fields that are not read, of the first 100 of a topic and one in 1000 after them.",
            labels=["topic"],
        )
        for topic, count in self._unread.items():
            unread.add_metric([topic], count)
        yield unread
        yield self._dead_letters()
        yield gauge(
            "atp_time_held_seconds",
            "For how long time limits that are over have waited for input to be read.",
            {(): self._timekeeper.held()},
        )
        yield gauge(
            "atp_input_held_seconds",
            "How old the input is that a source partition has not brought yet, where that holds time limits back.",
            {(one.tp.topic, str(one.tp.partition)): one.age_s for one in self._timekeeper.holders()},
            "topic",
            "partition",
        )
        yield from self._places()

    def _dead_letters(self) -> Metric:
        """Return those of intake and of the ledger together: the same reason may come from either."""
        counts: Counter[str] = Counter(dict.fromkeys(map(str, Reason), 0))  # each is there before its first letter
        counts.update(self._refused)
        for (_, outcome), count in self._messages.items():
            if not outcome.startswith(_NOT_REFUSED):
                counts[outcome] += count
        letters = CounterMetricFamily("atp_dead_letters", "Messages refused, by reason.", labels=["reason"])
        for reason, count in sorted(counts.items()):
            letters.add_metric([reason], count)
        return letters

    def _places(self) -> Iterator[Metric]:
        app = self._app
        applied: Values = {(str(number),): at for number, at in lag.log_positions(app).items()}
        behind: Values = {(str(number),): count for number, count in lag.log_behind(app).items()}
        sources: Values = {(tp.topic, str(tp.partition)): count for tp, count in lag.sources_behind(app).items()}
        yield gauge("atp_log_position", "Offset of the last item-log record applied.", applied, "partition")
        yield gauge("atp_log_lag", "Item-log records not applied yet.", behind, "partition")
        yield gauge("atp_source_lag", "Input records not in the item log yet.", sources, "topic", "partition")
        yield gauge(
            "atp_sources_waiting",
            "Input partitions that wait for the registry to tell a schema.",
            {(): len(app.intake.held())},
        )
        generations: Values = {(str(number),): stock_generations(app, number) for number in app.steps.owned()}
        yield gauge(
            "atp_stock_generations",
            "Windows of stock time that have rows still, the present one included; 2 or 3 while the purge keeps up.",
            generations,
            "partition",
        )
        missing = lag.sources_missing(app, self._sources)
        yield gauge("atp_sources_missing", "Input topics that do not exist.", {(): len(missing)})


def quarantined(app: EngineApp) -> int:
    """Return the number of items in quarantine among those that are owned."""
    start = QUARANTINE.encode()
    rows = (app.table.scan(partition, start) for partition in app.steps.owned())
    return sum(1 for keys in rows for _ in takewhile(lambda row: row[0].startswith(start), keys))


def stock_generations(app: EngineApp, partition: int) -> int:
    """Return how many generations lie between the present one of an owned partition and its oldest row, both counted.

    What has to stay for an item that is stopped, and the purge has passed over, does not count.
    """
    time, purge = read_row(app, partition, STOCK_TIME), read_row(app, partition, PURGE) or PurgeRow()
    start = purge.cursor or generation_prefix(purge.below)  # in front of it are only traces of rows, but very many
    first = next(app.table.scan(partition, start.encode()), (b"", b""))[0].decode()
    return time.generation - generation_of(first) + 1 if time is not None and first.startswith(GENERATIONS) else 0


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
