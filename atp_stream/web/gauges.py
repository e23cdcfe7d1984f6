"""Gauges whose values are read off the running worker when Prometheus asks."""

from typing import TypeAlias

from prometheus_client.core import GaugeMetricFamily, Metric

Values: TypeAlias = dict[tuple[str, ...], float]
"""Values of a gauge by those of its labels."""


def gauge(name: str, text: str, values: Values, *labels: str) -> Metric:
    """Return a gauge with these values."""
    made = GaugeMetricFamily(name, text, labels=labels)
    for key, value in sorted(values.items()):
        made.add_metric(key, value)
    return made
