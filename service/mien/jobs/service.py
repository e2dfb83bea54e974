"""The jobs of one app: submitted, looked up, cancelled and removed."""

import logging
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from mien.domain import Cancellation
from mien.engine.base import Engine
from mien.errors import JobHasNoResult, JobsUnavailable, KeyReused
from mien.jobs.clip_work import ClipWork, check_clip
from mien.jobs.database import DatabaseSettings, JobDatabase, OpenDatabase
from mien.jobs.housekeeping import Housekeeping
from mien.jobs.local_clips import LocalClips
from mien.jobs.media_store import MediaStore
from mien.jobs.model import Client, JobRequest, JobState, JobStatus, StoredJob, annotated_key, job_prefix, result_key
from mien.jobs.webhooks import WebhookSender
from mien.telemetry.job_metrics import JobMetrics
from mien.usecases.analysis_file import read_analysis
from mien.usecases.analyze_video import VideoAnalysis
from mien.video.reader import ClipReader

if TYPE_CHECKING:
    from mien.jobs.records import JobRecords
    from mien.jobs.tables import Tables
    from mien.jobs.workflow import Workflows

_LOGGER = logging.getLogger("mien.jobs")
_KEYS = uuid.UUID("b8a4f0f6-5a3c-4f1e-9b7e-2f1d7c5f3a10")  # the namespace of ids made from idempotency keys


@dataclass(frozen=True, slots=True)
class JobSettings:
    """``media`` is the URL or the folder of the object store; see ``MediaStore``."""

    database: DatabaseSettings
    media: str
    retention: timedelta
    segment_seconds: float
    spool: Path | None = None
    webhook_secret: str | None = None
    webhook_hosts: tuple[str, ...] = ()


class JobService:
    """Thread-safe; every method but ``start`` and ``close`` waits for the database or the object store.

    A job is there for its owner alone. Neither is touched before the first job, unless there is a database from before.
    ``engine`` gives the engine once there is one. ``clips`` and ``checks`` have the limits of jobs; ``checks`` reads
    the heads of clips within requests, which must not wait for jobs.
    """

    def __init__(
        self,
        settings: JobSettings,
        engine: Callable[[], Engine | None],
        clips: ClipReader,
        metrics: JobMetrics,
        *,
        checks: ClipReader,
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._checks = checks
        self._database = JobDatabase(settings.database)
        self._stopping = threading.Event()
        self._launching = threading.Lock()
        self._opened: OpenDatabase | None = None
        self._records: JobRecords | None = None
        self._is_name_taken = False
        self._sender = WebhookSender(settings.webhook_secret, settings.webhook_hosts)
        self._store = MediaStore(settings.media)
        local = LocalClips(self._store, settings.spool)
        self._work = ClipWork(
            self._store,
            local,
            engine,
            clips,
            settings.segment_seconds,
            settings.spool,
            metrics,
            self._stopping,
            threading.Semaphore(max(1, settings.database.workers)),
        )
        self._housekeeping = Housekeeping(self._open_existing, self._work, settings.retention)

    @property
    def is_open(self) -> bool:
        """Whether the database has been opened."""
        return self._records is not None

    def start(self) -> None:
        """Take up interrupted jobs, in the background."""
        self._housekeeping.start()

    def close(self) -> None:
        """Interrupt the jobs under way; other processes take them up, or the next one. Waits for the frame in work."""
        self._stopping.set()
        with self._launching:
            self._records = self._opened = None
            self._database.close()
        self._work.local.remove_idle()

    def check_webhook(self, address: str) -> None:
        """Raises ``InvalidOption`` if no message could be sent there."""
        self._sender.check(address)

    def check_ready(self) -> None:
        """Raises ``JobsUnavailable`` while the database is away."""
        self._open().check()

    def check_clip(self, clip: Path, request: JobRequest, cancellation: Cancellation) -> None:
        """Raises ``InputError`` if the clip cannot be read or is over a limit of jobs, as far as its header tells."""
        check_clip(self._checks, clip, request, cancellation)

    def submit(self, clip: Path, request: JobRequest, client: Client, key: str | None = None) -> str:
        """Store the clip and queue a job of ``client``; returns its id. The same ``key`` and request give the same job.

        Raises:
            KeyReused: ``key`` came with another request before.
            StorageFull: there is no room for the clip; nothing of it is left.
        """
        records = self._open()
        job = uuid.uuid4().hex if key is None else uuid.uuid5(_KEYS, key).hex
        stored = StoredJob(request, f"uploads/{uuid.uuid4().hex}", request.fingerprint(clip), client)
        self._store.put(stored.upload, clip)
        try:
            kept = records.enqueue(job, stored)
        except BaseException:
            self._store.remove(stored.upload)
            raise
        if kept.upload != stored.upload:
            self._store.remove(stored.upload)
            if kept.fingerprint != stored.fingerprint:
                raise KeyReused("This Idempotency-Key came with another clip or other options before; use a new one.")
        return job

    def find(self, job: str, owner: str) -> JobStatus:
        """A job of ``owner``. Raises ``JobNotFound``."""
        return self._open().find(job, owner)

    def listed(self, owner: str, states: Sequence[JobState] = (), limit: int = 100) -> list[JobStatus]:
        """The newest jobs of ``owner`` in any of ``states`` (empty: in all)."""
        return self._open().listed(owner, states, limit)

    def cancel(self, job: str, owner: str) -> None:
        """Cancel an active job; forget one that has ended. Its files are removed. Raises ``JobNotFound``."""
        records = self._open()
        state, stored = records.find(job, owner).state, records.stored(job, owner)
        if state.is_active:
            records.cancel(job)
        self._store.remove(stored.upload)
        self._store.remove_all(job_prefix(job))
        if not state.is_active:
            records.forget(job)

    def result(self, job: str, owner: str) -> tuple[JobStatus, VideoAnalysis, dict[str, str]]:
        """A job that succeeded, its analysis, and the versions of the models that made it.

        Raises:
            JobNotFound, JobHasNoResult.
        """
        status = self._succeeded(job, owner)
        try:
            with self._store.opened(result_key(job)) as file:
                return status, *read_analysis(file)
        except FileNotFoundError as error:
            raise JobHasNoResult("The result of this job has been removed; submit the clip again.") from error

    def annotated(self, job: str, owner: str) -> Iterator[bytes]:
        """The annotated clip of a job that succeeded.

        Raises:
            JobNotFound, JobHasNoResult.
        """
        if not self._succeeded(job, owner).request.annotated:
            raise JobHasNoResult("This job made no annotated clip; submit the clip with Accept: video/mp4.")
        return self._store.pieces(annotated_key(job))

    def _succeeded(self, job: str, owner: str) -> JobStatus:
        status = self.find(job, owner)
        if status.error is not None:
            raise JobHasNoResult(f"The job failed ({status.error[0]}). {status.error[1]}")
        if status.state is not JobState.SUCCEEDED:
            raise JobHasNoResult(f"The job is {status.state}; its result is there once it has succeeded.")
        return status

    def _open(self) -> "JobRecords":
        """The database, launched if it is not yet. Raises ``JobsUnavailable``."""
        if (records := self._records) is not None:
            return records
        with self._launching:
            if self._is_name_taken:
                raise JobsUnavailable("Another process uses this MIEN_EXECUTOR_ID; give each process one of its own.")
            if self._stopping.is_set():
                raise JobsUnavailable("The service is stopping; try again in a moment.")
            if self._records is None:
                self._records = self._launch()
            return self._records

    def _open_existing(self) -> OpenDatabase | None:
        if self.is_open or self._database.may_hold_jobs:
            self._open()
        return self._opened

    def _launch(self) -> "JobRecords":
        def register(tables: "Tables") -> "Workflows":
            from mien.jobs.workflow import register as workflows  # noqa: PLC0415 - see JobDatabase

            return workflows(self._work, self._sender, tables)

        self._opened = self._database.launch(register, self._lose_name)
        from mien.jobs.records import JobRecords  # noqa: PLC0415 - see JobDatabase

        _LOGGER.info("jobs ready", extra={"fields": {"database": self._database.name}})
        return JobRecords(self._opened.workflows.analyze, self._opened.tables)

    def _lose_name(self) -> None:
        _LOGGER.error("another process uses this MIEN_EXECUTOR_ID; this one does not work on jobs any more")
        self._is_name_taken = True
        threading.Thread(target=self.close, name="mien-jobs-close").start()  # not here: closing waits for this thread
