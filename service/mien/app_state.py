"""The long-lived objects of one app, from its settings."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from mien.access.key_ring import KeyRing
from mien.api.access import Access
from mien.api.admission import AdmissionGate
from mien.api.bounded_calls import BoundedCalls
from mien.api.dependencies import AppState, EngineSlot
from mien.api.live.wiring import live_state
from mien.api.privacy_statement import privacy_of
from mien.api.uploads.body import UploadLimits
from mien.api.uploads.json_body import JsonPictures
from mien.api.uploads.spool import SpoolSettings
from mien.domain import EngineLoad
from mien.images.decoder import PictureDecoder
from mien.images.limits import DecodeLimits
from mien.jobs.wiring import job_service, job_workers
from mien.memory_budget import MemoryBudget
from mien.sandbox.pool import DecoderPool
from mien.settings import Settings
from mien.telemetry.metrics import Metrics
from mien.version import VERSION
from mien.video.model import ClipLimits
from mien.video.reader import ClipReader

_CLIP_MEMORY = 512 << 20  # bytes per worker
_CLIP_DECODER_THREADS = 8  # of one decoder: more gain little, and each holds a picture


def app_state(settings: Settings, slot: EngineSlot, decoders: DecoderPool | None) -> AppState:
    """What the requests of one app share; ``decoders`` decode in processes of their own."""

    def load() -> EngineLoad | None:
        engine = slot.peek()
        return None if engine is None else engine.load()

    def gate(threads: int, max_wait: float = settings.picture_deadline_seconds) -> AdmissionGate:
        return AdmissionGate(threads, settings.queue_capacity, max_wait)

    spool = SpoolSettings(settings.spool_memory_bytes, settings.spool_dir)
    uploads = UploadLimits(settings.max_body_bytes, settings.max_pictures, settings.upload_idle_seconds, spool)
    limits = DecodeLimits(max_bytes=settings.max_body_bytes, max_pixels=settings.max_pixels)
    clips = _clip_reader(settings, limits, decoders)
    metrics = Metrics(VERSION, load)
    jobs = job_service(settings, slot.peek, clips, _job_budget(settings, limits), metrics.jobs)
    return AppState(
        engine=slot,
        # More threads than workers, so that pictures are decoded while others are analysed; many would fill the memory.
        gate=gate(threads=4 * settings.workers + 4),
        large_gate=gate(threads=max(1, settings.workers // 2)),
        clip_gate=gate(_clip_threads(settings), settings.clip_deadline_seconds),
        decoder=PictureDecoder(limits, concurrency=settings.workers, sandbox=decoders),
        uploads=uploads,
        json_pictures=JsonPictures(settings.max_pictures),
        clip_uploads=replace(uploads, body_bytes=settings.max_clip_bytes, setting="max_clip_bytes"),
        clips=clips,
        live=live_state(settings),
        picture_deadline=settings.picture_deadline_seconds,
        clip_deadline=settings.clip_deadline_seconds,
        access=Access(KeyRing(tuple(key.get_secret_value() for key in settings.api_keys), settings.keys_file)),
        privacy=privacy_of(settings),
        metrics=metrics,
        version=VERSION,
        jobs=jobs,
        job_calls=BoundedCalls(lambda: jobs.is_open),
        key_shares=_key_shares(settings),
        log_names=settings.log_names,
    )


def _clip_reader(settings: Settings, pictures: DecodeLimits, decoders: DecoderPool | None) -> ClipReader:
    limits = ClipLimits(max_seconds=settings.max_clip_seconds, max_rows=settings.max_rows)
    return ClipReader(
        replace(limits, max_pixels=min(settings.max_pixels, limits.max_pixels)),
        threads=min(_CLIP_DECODER_THREADS, settings.workers + 1),
        budget=MemoryBudget(_clip_threads(settings) + 1, _clip_memory(settings, pictures)),
        sandbox=decoders,
    )


def _clip_memory(settings: Settings, pictures: DecodeLimits) -> int:
    """As much as pictures have, and more if there are more workers to keep busy."""
    return max(pictures.memory, settings.workers * _CLIP_MEMORY)


def _job_budget(settings: Settings, pictures: DecodeLimits) -> MemoryBudget:
    """Half as much as clips have in requests. A clip that needs more is read alone."""
    return MemoryBudget(max(1, job_workers(settings)), _clip_memory(settings, pictures) // 2)


def _clip_threads(settings: Settings) -> int:
    # One clip keeps a worker busy; as many more may wait for the disk or another decoder. The gate adds one.
    return 2 * settings.workers


def decoder_processes(settings: Settings) -> int:
    """For every clip and segment at once, and as many pictures as are decoded at once: none waits for another kind."""
    return _clip_threads(settings) + 1 + job_workers(settings) + 2 * settings.workers


def _key_shares(settings: Settings) -> Mapping[str, float]:
    hashes = (hashlib.sha256(key.get_secret_value().encode()).hexdigest() for key in settings.api_keys)
    return dict(zip(hashes, settings.key_shares, strict=False))
