"""What a Prometheus scrapes: counts over all sellers, read when it asks, in a registry that lasts for one answer."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import MockpayError
from mockpay.store.db.engine import reading
from mockpay.store.reads import metrics as reads
from mockpay.store.unit_of_work import Runtime
from mockpay.web import guard, problems

#: Of the latency's histogram, in ms.
_BOUNDS = (5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000)
_LABELS = [*(str(bound / SECOND) for bound in _BOUNDS), "+Inf"]


def blueprint(runtime: Runtime) -> Blueprint:
    """The one page, under the control API's rules."""
    pages = Blueprint("metrics", __name__)

    @pages.get(guard.METRICS)
    def metrics() -> Response:
        guard.require_control(runtime)
        registry = CollectorRegistry()
        registry.register(_Counts(runtime))
        response = Response(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)
        response.headers["Cache-Control"] = "no-store"
        return response

    pages.register_error_handler(MockpayError, problems.problem)
    return pages


class _Counts(Collector):
    """All figures, of one read transaction."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def describe(self) -> list[Metric]:
        """Nothing: to register it reads no figure."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Each figure with its labels."""
        with reading(self._runtime.engine) as connection:
            now = self._runtime.real_clock.now()
            families: list[Metric] = [
                _gauge("payments", "Orders to be paid.", "provider state", reads.payments(connection)),
                _gauge(
                    "gateway_calls",
                    "Calls in the log of gateways; an empty outcome is on its way.",
                    "gateway operation outcome",
                    reads.gateway_calls(connection),
                ),
                _gauge(
                    "gateway_breakers",
                    "Circuit breakers of sellers.",
                    "gateway method state",
                    reads.breaker_states(connection, now),
                ),
                _gauge("outbox_depth", "What waits to be sent.", "kind", reads.outbox_rows(connection)),
                _gauge("notifications", "Notifications.", "state", reads.notification_states(connection)),
            ]
            latencies = reads.latencies(connection, _BOUNDS)
        histogram = HistogramMetricFamily(
            "mockpay_gateway_latency_seconds", "How long gateways took to answer.", labels=["gateway", "operation"]
        )
        for labels, (counts, total) in sorted(latencies.items()):
            histogram.add_metric(labels, list(zip(_LABELS, counts, strict=True)), total / SECOND)
        yield from [*families, histogram]


def _gauge(name: str, documentation: str, labels: str, counts: reads.Counts) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"mockpay_{name}", documentation, labels=labels.split())
    for values, count in sorted(counts.items()):
        family.add_metric(values, count)
    return family
