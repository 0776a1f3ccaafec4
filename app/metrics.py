"""What an operator's monitoring reads: Prometheus figures of one service."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

SECONDS = (0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.6, 1.2, 2.5, 5, 10)

GAUGES = {
    "up": "Whether questions can be answered.",
    "waiting": "Questions that are being answered or wait for it.",
    "documents": "Documents of the index.",
    "indexed": "Passages of the index.",
    "snapshot_age_seconds": "Age of the snapshot that answers.",
    "warning": "Whether an older or a poorer index answers than was asked for.",
    "build_running": "Whether a build runs.",
    "build_failed": "Whether the last build failed.",
}


class Metrics:
    """Counts what a service does; ``text`` is what Prometheus reads."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._seconds = Histogram(
            "passages_answer_seconds",
            "Seconds from a question to its answer or hits, waiting included.",
            ["what"],
            buckets=SECONDS,
            registry=self._registry,
        )
        self._answers = Counter(
            "passages_answers",
            "Answers by their match; none is an abstention.",
            ["match"],
            registry=self._registry,
        )
        self._failed = Counter(
            "passages_failures",
            "Questions that failed, and requests that were refused, by reason.",
            ["reason"],
            registry=self._registry,
        )
        for match in ("strong", "partial", "weak", "none"):
            self._answers.labels(match)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)

    def watch(self, look: Callable[[], Mapping[str, float]]) -> None:
        """Show what ``look`` finds, too, at each reading: figures by the names in ``GAUGES``."""
        self._registry.register(_Gauges(look))

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Count the seconds that this takes."""
        started = time.perf_counter()
        try:
            yield
        except Exception as error:
            self.failed(type(error).__name__)
            raise
        self._seconds.labels(what).observe(time.perf_counter() - started)

    def answered(self, match: str) -> None:
        """Count an answer."""
        self._answers.labels(match).inc()

    def failed(self, reason: str) -> None:
        """Count a failure."""
        self._failed.labels(reason).inc()

    def text(self) -> bytes:
        """All of it as Prometheus reads it."""
        return generate_latest(self._registry)


class _Gauges(Collector):
    """What is true at the moment of reading."""

    def __init__(self, look: Callable[[], Mapping[str, float]]) -> None:
        self._look = look

    def describe(self) -> Iterator[GaugeMetricFamily]:
        for name, says in GAUGES.items():
            yield GaugeMetricFamily(f"passages_{name}", says)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for name, value in self._look().items():
            yield GaugeMetricFamily(f"passages_{name}", GAUGES[name], value=value)
