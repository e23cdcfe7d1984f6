"""The figures that are read off the running worker when Prometheus asks: its state, its input, and its places."""

import platform
from collections import Counter
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from itertools import takewhile
from typing import Final

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from atp_stream import __version__
from atp_stream.domain.reasons import Reason
from atp_stream.domain.row_keys import GENERATIONS, PURGE, QUARANTINE, STOCK_TIME, generation_of, generation_prefix
from atp_stream.domain.state.partition_rows import PurgeRow
from atp_stream.engine import lag
from atp_stream.engine.app import EngineApp
from atp_stream.engine.watermark import TimeKeeper
from atp_stream.topics import Topics
from atp_stream.web.gauges import Values, gauge
from atp_stream.web.health import WorkerState, state_of
from atp_stream.web.routing import read_row

_NOT_REFUSED: Final = ("accepted", "skipped_")
"""What the outcomes of input that are not dead letters begin with."""


class WorkerMetrics(Collector):
    """The figures that need no counting: they are read off the running worker when they are asked for."""

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
        yield from self._worker()
        yield self._input()
        yield self._unread_fields()
        yield self._dead_letters()
        yield from self._held_back()
        yield from self._places()

    def _worker(self) -> Iterator[Metric]:
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

    def _input(self) -> Metric:
        messages = CounterMetricFamily(
            "atp_messages", "Input records read, by what became of them.", labels=["topic", "outcome"]
        )
        none = dict.fromkeys(((topic, "accepted") for topic in self._sources), 0)  # there before the first message
        for labels, count in sorted((none | dict(self._messages)).items()):
            messages.add_metric(labels, count)
        return messages

    def _unread_fields(self) -> Metric:
        unread = CounterMetricFamily(
            "atp_unread_fields",
            "JSON records with fields that are not read, of the first 100 of a topic and one in 1000 after them.",
            labels=["topic"],
        )
        for topic, count in self._unread.items():
            unread.add_metric([topic], count)
        return unread

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

    def _held_back(self) -> Iterator[Metric]:
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
