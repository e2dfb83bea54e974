"""Prometheus metrics of jobs."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_WAIT_BUCKETS = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0)
_SEGMENT_BUCKETS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class JobMetrics:
    """What the jobs of this process count, and how many there are in the database."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._jobs = Gauge("mien_jobs", "Jobs in the database by state.", ["state"], registry=registry)
        self._ended = Counter("mien_jobs_ended", "Jobs that ended here, by outcome.", ["outcome"], registry=registry)
        self._oldest = Gauge(
            "mien_jobs_oldest_wait_seconds", "How long the oldest queued job has waited.", registry=registry
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

    def counted(self, by_state: Mapping[str, int], oldest_wait: float) -> None:
        """What the database holds."""
        for state, count in by_state.items():
            self._jobs.labels(state).set(count)
        self._oldest.set(oldest_wait)

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
