"""The only wiring: settings in, an ASGI app out. Every long-lived object belongs to the app's lifespan."""

import logging
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from anyio import CancelScope, create_task_group, to_thread
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from mien.api import errors, health, housekeeping, images, models, pages, videos
from mien.api import jobs as job_routes
from mien.api.admission import AdmissionGate
from mien.api.bounded_calls import BoundedCalls
from mien.api.dependencies import AppState, EngineSlot
from mien.api.early_refusal import EarlyRefusal
from mien.api.hosts import CORS, HostRule, KnownHosts, KnownOrigins
from mien.api.live import route as live
from mien.api.live.wiring import live_state
from mien.api.middleware import ErrorBoundary, LingeringClose, RequestContext, SlowClientTimeout
from mien.api.openapi import complete_openapi, operation_id
from mien.api.uploads.body import UploadLimits
from mien.api.uploads.json_body import JsonPictures
from mien.api.uploads.spool import SpoolSettings
from mien.domain import EngineLoad
from mien.engine.base import Engine
from mien.errors import MienError, ModelUnreadable
from mien.images.decoder import PictureDecoder
from mien.images.limits import DecodeLimits
from mien.jobs.wiring import job_service
from mien.memory_budget import MemoryBudget
from mien.settings import Settings
from mien.telemetry.metrics import Metrics
from mien.version import VERSION
from mien.video.model import ClipLimits
from mien.video.reader import ClipReader

_ROUTERS = (
    pages.router,
    images.router,
    videos.router,
    job_routes.router,
    job_routes.deleting,
    live.router,
    models.router,
    health.router,
)
_LOGGER = logging.getLogger("mien")
_CLIP_MEMORY = 512 << 20  # bytes per worker
_CLIP_DECODER_THREADS = 8  # of one decoder: more gain little, and each holds a picture

OnFailure = Callable[[MienError], None]


def stop_process(error: MienError) -> None:
    """Log why the service can never answer, and end the process like a SIGTERM does."""
    _LOGGER.critical("%s", error)
    signal.raise_signal(signal.SIGTERM)


def create_app(
    settings: Settings,
    engine: Engine | None = None,
    on_failure: OnFailure = stop_process,
    *,
    jobs_only: bool = False,
) -> FastAPI:
    """An app around ``engine``, or around an engine of its own, which it opens when it starts.

    Args:
        settings: of the operator.
        engine: closed with the app.
        on_failure: called once, from any thread, if the engine cannot be opened or has lost workers for good; the app
            answers 503 from then on.
        jobs_only: answer probes only, and work on jobs of other apps.
    """
    slot = EngineSlot()
    state = _app_state(settings, slot)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        try:
            async with create_task_group() as tasks:
                if engine is not None:
                    slot.fill(engine)
                else:
                    tasks.start_soon(_fill, slot, settings, on_failure)
                tidying = CancelScope()
                tasks.start_soon(housekeeping.run, tidying, settings.spool_dir)
                state.jobs.start()
                yield
                tidying.cancel()
        finally:
            await to_thread.run_sync(state.jobs.close)  # before the engine: a job that loses it would fail
            opened = slot.peek()
            slot.clear("The service is stopping.")
            if opened is not None:
                await to_thread.run_sync(opened.close)

    app = FastAPI(
        title="Mien",
        version=VERSION,
        summary="Faces in pictures and clips, and the emotions that human raters would see in them.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        separate_input_output_schemas=False,
        redirect_slashes=False,  # a redirect would repeat whatever the Host header says
        generate_unique_id_function=operation_id,
    )
    app.state.settings = settings
    app.state.mien = state
    for router in (health.router,) if jobs_only else _ROUTERS:
        app.include_router(router)
    if not jobs_only:
        pages.mount_static(app)
    errors.install(app)
    complete_openapi(app, keyed=bool(settings.api_keys), max_pictures=settings.max_pictures)
    # The last one added is the outermost.
    app.add_middleware(SlowClientTimeout, seconds=settings.upload_idle_seconds)
    app.add_middleware(KnownOrigins, origins=settings.cors_origins)
    app.add_middleware(KnownHosts, rule=HostRule.of(settings.host, settings.allowed_hosts, bool(settings.api_keys)))
    app.add_middleware(ErrorBoundary)
    app.add_middleware(LingeringClose)
    gates = {"/predict": state.gate, "/analyze-video": state.clip_gate}
    app.add_middleware(EarlyRefusal, gates=gates, keyed=bool(settings.api_keys))
    if settings.cors_origins:
        app.add_middleware(CORSMiddleware, allow_origins=settings.cors_origins, **CORS)
    app.add_middleware(RequestContext, metrics=state.metrics)
    return app


def _app_state(settings: Settings, slot: EngineSlot) -> AppState:
    def load() -> EngineLoad | None:
        engine = slot.peek()
        return None if engine is None else engine.load()

    def gate(threads: int, max_wait: float = settings.picture_deadline_seconds) -> AdmissionGate:
        return AdmissionGate(threads, settings.queue_capacity, max_wait)

    spool = SpoolSettings(settings.spool_memory_bytes, settings.spool_dir)
    uploads = UploadLimits(settings.max_body_bytes, settings.max_pictures, settings.upload_idle_seconds, spool)
    limits = DecodeLimits(max_bytes=settings.max_body_bytes, max_pixels=settings.max_pixels)
    clips = _clip_reader(settings, limits)
    metrics = Metrics(VERSION, load)
    jobs = job_service(settings, slot.peek, clips, metrics.jobs)
    return AppState(
        engine=slot,
        # More threads than workers, so that pictures are decoded while others are analysed; many would fill the memory.
        gate=gate(threads=4 * settings.workers + 4),
        large_gate=gate(threads=max(1, settings.workers // 2)),
        clip_gate=gate(_clip_threads(settings), settings.clip_deadline_seconds),
        decoder=PictureDecoder(limits, concurrency=settings.workers),
        uploads=uploads,
        json_pictures=JsonPictures(settings.max_pictures),
        clip_uploads=replace(uploads, body_bytes=settings.max_clip_bytes, setting="max_clip_bytes"),
        clips=clips,
        live=live_state(settings),
        picture_deadline=settings.picture_deadline_seconds,
        clip_deadline=settings.clip_deadline_seconds,
        api_keys=tuple(key.get_secret_value() for key in settings.api_keys),
        metrics=metrics,
        version=VERSION,
        jobs=jobs,
        job_calls=BoundedCalls(lambda: jobs.is_open),
        key_shares=settings.key_shares,
        log_names=settings.log_names,
    )


def _clip_reader(settings: Settings, pictures: DecodeLimits) -> ClipReader:
    limits = ClipLimits(max_seconds=settings.max_clip_seconds, max_rows=settings.max_rows)
    # As much memory as pictures have, and more if there are more workers to keep busy.
    memory = max(pictures.memory, settings.workers * _CLIP_MEMORY)
    return ClipReader(
        replace(limits, max_pixels=min(settings.max_pixels, limits.max_pixels)),
        threads=min(_CLIP_DECODER_THREADS, settings.workers + 1),
        budget=MemoryBudget(_clip_threads(settings) + 1, memory),
    )


def _clip_threads(settings: Settings) -> int:
    # One clip keeps a worker busy; as many more may wait for the disk or another decoder. The gate adds one.
    return 2 * settings.workers


async def _fill(slot: EngineSlot, settings: Settings, on_failure: OnFailure) -> None:
    """Open the engine while the server listens, so that the probes answer while the models load."""

    def fail(error: MienError) -> None:
        slot.clear(f"The models cannot be loaded. {error}")
        on_failure(error)

    try:
        slot.fill(await to_thread.run_sync(_open, settings, on_failure))
    except MienError as error:
        fail(error)
    except Exception:
        # Uncaught, it would end the lifespan and leave a server that answers 503 for ever.
        _LOGGER.exception("the engine failed to start")
        fail(ModelUnreadable("The engine failed to start (unexpected error); see the log."))
    else:
        keys = "required" if settings.api_keys else "not required"
        _LOGGER.info(
            "ready", extra={"fields": {"store": settings.store, "workers": settings.workers, "api_keys": keys}}
        )


def _open(settings: Settings, on_failure: OnFailure) -> Engine:
    # This import loads onnxruntime, which takes much of the start; the probes need not wait for it.
    from mien.engine.local import EngineConfig, open_engine  # noqa: PLC0415

    config = EngineConfig(settings.store, settings.workers, hang_seconds=settings.worker_hang_seconds)
    return open_engine(config, on_failure)
