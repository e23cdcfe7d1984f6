"""How many items there are, and what is at risk about them, for Prometheus: over all tenants, without their names.

Items are counted in the background while Prometheus asks, in a fiftieth of a worker's time at most. A partition is in
the figures once all of its items were counted, so that a sum is never one over a part of them.
"""

import time
from collections.abc import Iterator
from typing import Final

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from atp_stream.domain import quantity
from atp_stream.engine.app import EngineApp
from atp_stream.web.gauges import gauge
from atp_stream.web.summaries import Risk
from atp_stream.web.survey import OF_METRICS, OfPartition, Survey, Surveys

_ALL_TENANTS: Final = ""
_WITH_QUANTITY: Final = (Risk.SHORT, Risk.WAITING, Risk.GAP)


class ItemMetrics(Collector):
    """The figures about the items of a worker's partitions."""

    def __init__(self, app: EngineApp) -> None:
        self._app = app
        self._surveys = Surveys(app, OF_METRICS)
        self._survey = Survey()

    def ask(self) -> None:
        """Let items be counted for as long as somebody asks for the figures."""
        self._survey = self._surveys.ask(_ALL_TENANTS)

    def describe(self) -> Iterator[Metric]:
        """Return nothing: the registry would collect for the names alone, before the app has a consumer."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Yield the figures as they were last counted."""
        counted = self._counted()
        sums = [one.sums for one in counted]
        yield gauge(
            "atp_partitions_counted",
            "Owned partitions whose items were all counted, and are in the figures about items.",
            {(): len(counted)},
        )
        yield gauge(
            "atp_items_counted_age_seconds",
            "Age of the oldest count of a partition in the figures about items.",
            {(): max((time.time() - one.since_s for one in counted), default=0.0)},
        )
        yield gauge("atp_items", "Items, as last counted.", {(): sum(one.items for one in sums)})
        yield gauge(
            "atp_items_at_risk",
            "Items with a risk, as last counted; one may have several.",
            {(risk,): sum(one.counts[risk] for one in sums) for risk in Risk},
            "risk",
        )
        yield gauge(
            "atp_units_at_risk",
            "Units that are short, wait for stock, or are the gap between counts and movements, as last counted.",
            {(risk,): float(quantity.to_decimal(sum(one.quantities[risk] for one in sums))) for risk in _WITH_QUANTITY},
            "risk",
        )

    def _counted(self) -> list[OfPartition]:
        """Return what is known of the partitions that are owned."""
        owned, known = self._app.steps.owned(), self._survey.sums
        return [known[number] for number in owned if number in known and known[number].complete]
