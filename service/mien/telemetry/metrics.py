"""Prometheus metrics of one app, in a registry of its own."""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from mien.domain import EngineLoad
from mien.telemetry.job_metrics import JobMetrics

_REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_STAGE_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """What the API measures. ``load`` gives the engine's load, or ``None`` while there is no engine."""

    def __init__(self, version: str, load: Callable[[], EngineLoad | None]) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)
        registry.register(_EngineGauges(load))
        Gauge("mien_info", "The running version.", ["version"], registry=registry).labels(version).set(1)
        self._requests = Counter(
            "mien_http_requests", "Answered requests.", ["method", "route", "status"], registry=registry
        )
        self._latency = Histogram(
            "mien_http_request_seconds",
            "From a request's headers to the end of its answer.",
            ["route"],
            buckets=_REQUEST_BUCKETS,
            registry=registry,
        )
        self._in_flight = Gauge("mien_http_requests_in_flight", "Requests not yet answered.", registry=registry)
        self._stages = Histogram(
            "mien_stage_seconds",
            "Time that one request spent in a stage.",
            ["stage"],
            buckets=_STAGE_BUCKETS,
            registry=registry,
        )
        self._pictures = Counter("mien_pictures", "Pictures by outcome.", ["outcome"], registry=registry)
        self._faces = Counter("mien_faces", "Faces found.", registry=registry)
        self.jobs = JobMetrics(registry)
        self._live_frames = Counter("mien_live_frames", "Frames of /live by outcome.", ["outcome"], registry=registry)
        self._live_latency = Histogram(
            "mien_live_frame_seconds",
            "From the arrival of a frame of /live to its reply.",
            buckets=_STAGE_BUCKETS,
            registry=registry,
        )
        self._live_connections = Gauge("mien_live_connections", "Open connections to /live.", registry=registry)

    def request_started(self) -> None:
        self._in_flight.inc()

    def request_finished(self, method: str, route: str, status: int, seconds: float) -> None:
        self._in_flight.dec()
        self._requests.labels(method, route, str(status)).inc()
        self._latency.labels(route).observe(seconds)

    def websocket_finished(self, route: str, status: int) -> None:
        """``status`` of the handshake: 101 if it was accepted."""
        self._requests.labels("GET", route, str(status)).inc()

    def stage(self, name: str, seconds: float) -> None:
        self._stages.labels(name).observe(seconds)

    def picture(self, outcome: str, faces: int) -> None:
        self._pictures.labels(outcome).inc()
        self._faces.inc(faces)

    def live_connection(self, change: int) -> None:
        """One more connection, or (-1) one less."""
        self._live_connections.inc(change)

    def live_frame(self, outcome: str) -> None:
        self._live_frames.labels(outcome).inc()

    def live_latency(self, seconds: float) -> None:
        self._live_latency.observe(seconds)

    def page(self) -> bytes:
        """All metrics in Prometheus's text format."""
        return generate_latest(self._registry)


class _EngineGauges(Collector):
    """Reads the engine's load at scrape time: no cost in between, and never stale."""

    def __init__(self, load: Callable[[], EngineLoad | None]) -> None:
        self._load = load

    def collect(self) -> Iterator[Metric]:
        load = self._load()
        yield GaugeMetricFamily("mien_engine_up", "Whether the engine is open.", value=float(load is not None))
        if load is None:
            return
        for name, help_text, value in (
            ("calls", "Calls in progress.", load.calls),
            ("waiting_frames", "Frames waiting for a worker.", load.waiting_frames),
            ("waiting_crops", "Face crops waiting for a worker.", load.waiting_crops),
            ("busy_workers", "Workers at work.", load.busy_workers),
            ("workers", "Workers.", load.workers),
        ):
            yield GaugeMetricFamily(f"mien_engine_{name}", help_text, value=float(value))
