"""Prometheus metrics of jobs."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_WAIT_BUCKETS = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0)
_SEGMENT_BUCKETS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class JobMetrics:
    """What the jobs of this process count, and how many there are in the database."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._queue = Gauge(
            "mien_jobs", "Jobs and segments in the database that have not ended.", ["kind", "state"], registry=registry
        )
        self._ended = Counter("mien_jobs_ended", "Jobs that ended here, by outcome.", ["outcome"], registry=registry)
        self._oldest = Gauge(
            "mien_jobs_oldest_wait_seconds",
            "How long the oldest queued job or segment has waited.",
            ["kind"],
            registry=registry,
        )
        self._wait = Histogram(
            "mien_job_wait_seconds", "From a job's submission to its start.", buckets=_WAIT_BUCKETS, registry=registry
        )
        self._segments = Histogram(
            "mien_job_segment_seconds",
            "Analysing one segment of a clip; the count is the segments done.",
            buckets=_SEGMENT_BUCKETS,
            registry=registry,
        )
        self._retries = Counter(
            "mien_job_retries", "Steps of jobs that failed and were tried again.", ["step"], registry=registry
        )
        self._up = Gauge("mien_jobs_up", "Whether the database of jobs can be used.", registry=registry)

    def counted(self, counts: Mapping[tuple[str, str], int], waits: Mapping[str, float]) -> None:
        """What the database holds, by kind and state, and how long the oldest of a kind has waited, in seconds."""
        for (kind, state), count in counts.items():
            self._queue.labels(kind, state).set(count)
        for kind, seconds in waits.items():
            self._oldest.labels(kind).set(seconds)

    def up(self, value: bool) -> None:
        self._up.set(float(value))

    def started(self, waited: float) -> None:
        self._wait.observe(waited)

    def ended(self, outcome: str) -> None:
        self._ended.labels(outcome).inc()

    def segment(self, seconds: float) -> None:
        self._segments.observe(seconds)

    def retry(self, step: str) -> None:
        self._retries.labels(step).inc()
