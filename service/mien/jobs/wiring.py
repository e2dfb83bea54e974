"""The jobs of one process, from its settings."""

from collections.abc import Callable
from dataclasses import replace

from mien.engine.base import Engine
from mien.jobs.database import DatabaseSettings
from mien.jobs.service import JobService, JobSettings
from mien.memory_budget import MemoryBudget
from mien.settings import Settings
from mien.telemetry.job_metrics import JobMetrics
from mien.video.model import ClipLimits
from mien.video.reader import ClipReader


def job_workers(settings: Settings) -> int:
    """How many segments are in work here at once."""
    # One more than there are inference threads, so that one is read and stored while others are analysed.
    return settings.workers + 1 if settings.job_workers is None else settings.job_workers


def job_service(
    settings: Settings,
    engine: Callable[[], Engine | None],
    clips: ClipReader,
    budget: MemoryBudget,
    metrics: JobMetrics,
) -> JobService:
    """The jobs of one process, with a memory ``budget`` of their own: requests do not wait for jobs. ``clips`` reads
    those of requests."""
    database = DatabaseSettings(settings.database_url, settings.data_dir, settings.executor_id, job_workers(settings))
    limits = replace(clips.limits, max_seconds=settings.max_job_seconds, max_rows=ClipLimits().max_rows)
    secret = settings.webhook_secret
    return JobService(
        JobSettings(
            database,
            media=settings.media_url or str(settings.data_dir / "media"),
            retention=settings.retention,
            segment_seconds=settings.segment_seconds,
            spool=settings.spool_dir,
            webhook_secret=None if secret is None else secret.get_secret_value(),
            webhook_hosts=settings.webhook_hosts,
        ),
        engine,
        replace(clips, limits=limits, budget=budget),
        metrics,
        checks=replace(clips, limits=limits),
    )
