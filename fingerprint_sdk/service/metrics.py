"""What the service counts, as Prometheus reads it."""

from __future__ import annotations

import platform
from collections.abc import Callable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    generate_latest,
)

from fingerprint_sdk import __version__
from fingerprint_sdk.extractor import Extractor

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_IMAGES = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """Counters of one server, in a registry of their own."""

    def __init__(self, extractor: Extractor) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "fingerprint_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "fingerprint_request_seconds",
            "Time from a request's head to its answer.",
            ("method", "route"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.in_progress = Gauge(
            "fingerprint_requests_in_progress",
            "Requests that are worked on or wait, of those with images.",
            registry=self.registry,
        )
        self.images = Counter(
            "fingerprint_images",
            "Images embedded, or found to be unusable.",
            ("outcome",),
            registry=self.registry,
        )
        self.batch_images = Histogram(
            "fingerprint_batch_images",
            "Images embedded in one call.",
            buckets=_IMAGES,
            registry=self.registry,
        )
        self.batch_requests = Histogram(
            "fingerprint_batch_requests",
            "Requests embedded in one call.",
            buckets=_IMAGES,
            registry=self.registry,
        )
        for outcome in ("used", "failed"):  # there from the start, at 0
            self.images.labels(outcome)
        Info("fingerprint_build", "What runs here.", registry=self.registry).info(
            {
                "version": __version__,
                "python": platform.python_version(),
                "model": extractor.name,
                "model_version": extractor.version,
                "device": extractor.device,
            }
        )

    def watch(self, waiting: Callable[[], float]) -> None:
        """Show how many images wait."""
        gauge = Gauge(
            "fingerprint_waiting_images",
            "Images that wait to be embedded.",
            registry=self.registry,
        )
        gauge.set_function(waiting)

    def text(self) -> bytes:
        """All of them, in Prometheus' text format."""
        return generate_latest(self.registry)
