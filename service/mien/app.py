"""The only wiring: settings in, an ASGI app out. Every long-lived object belongs to the app's lifespan."""

import logging
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from anyio import CancelScope, create_task_group, to_thread
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from mien.api import aggregate, errors, health, housekeeping, images, models, pages, privacy, videos
from mien.api import jobs as job_routes
from mien.api.access import BodyMeter
from mien.api.dependencies import AppState, EngineSlot
from mien.api.early_refusal import EarlyRefusal
from mien.api.hosts import CORS, HostRule, KnownHosts, KnownOrigins
from mien.api.live import route as live
from mien.api.metrics import MetricsPort, include_metrics
from mien.api.middleware import ErrorBoundary, LingeringClose, RequestContext, SlowClientTimeout
from mien.api.openapi import complete_openapi, operation_id
from mien.app_state import app_state, decoder_processes
from mien.compat.routers import compat_routers, paths
from mien.engine.base import Engine
from mien.errors import DecoderUnavailable, MienError, ModelUnreadable
from mien.memory import drop_pillow_warnings
from mien.sandbox.pool import DecoderPool
from mien.settings import Settings
from mien.usecases.decoders import open_decoders
from mien.version import VERSION

_ROUTERS = (
    pages.router,
    images.router,
    videos.router,
    job_routes.router,
    job_routes.deleting,
    live.router,
    models.router,
    privacy.router,
    health.router,
)
# A router that is not named here is not served where only aggregates may be answered.
_AGGREGATE_ROUTERS = (pages.router, aggregate.router, models.router, privacy.router, health.router)
_LOGGER = logging.getLogger("mien")

OnFailure = Callable[[MienError], None]


def do_nothing() -> None:
    """For callers that need not know when the app is ready."""


def stop_process(error: MienError) -> None:
    """Log why the service can never answer, and end the process like a SIGTERM does."""
    _LOGGER.critical("%s", error)
    signal.raise_signal(signal.SIGTERM)


def create_app(
    settings: Settings,
    engine: Engine | None = None,
    on_failure: OnFailure = stop_process,
    decoders: DecoderPool | None = None,
    *,
    jobs_only: bool = False,
    on_ready: Callable[[], None] = do_nothing,
) -> FastAPI:
    """An app around ``engine``, or around an engine of its own, which it opens when it starts.

    Args:
        settings: of the operator.
        engine: closed with the app.
        on_failure: called once, from any thread, if the engine cannot be opened or has lost workers for good; the app
            answers 503 from then on.
        decoders: closed with the app; without any, it makes its own.
        jobs_only: answer probes only, and work on jobs of other apps.
        on_ready: called once, when the app has opened its engine.
    """
    drop_pillow_warnings()  # here too, as the engine is opened in a thread
    slot = EngineSlot()
    decoders = decoders or open_decoders(decoder_processes(settings))
    state = app_state(settings, slot, decoders)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        try:
            async with create_task_group() as tasks:
                if engine is not None:
                    slot.fill(engine)
                else:
                    tasks.start_soon(_fill, slot, settings, on_failure, on_ready)
                    tasks.start_soon(_warm_up, decoders)
                tidying, rereading = CancelScope(), CancelScope()
                tasks.start_soon(housekeeping.run, tidying, settings.spool_dir, state.decoder)
                if settings.keys_file is not None:
                    tasks.start_soon(housekeeping.reread_keys, rereading, state.access.ring)
                state.jobs.start()
                yield
                tidying.cancel()
                rereading.cancel()
        finally:
            await to_thread.run_sync(state.jobs.close)  # before the engine: a job that loses it would fail
            opened = slot.peek()
            slot.clear("The service is stopping.")
            if opened is not None:
                await to_thread.run_sync(opened.close)
            if decoders is not None:
                await to_thread.run_sync(decoders.close)

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
    compat = [] if jobs_only else compat_routers(settings.compat)
    routers = _AGGREGATE_ROUTERS if settings.aggregate_only else _ROUTERS
    for router in (*((health.router,) if jobs_only else routers), *compat):
        app.include_router(router)
    include_metrics(app, settings.metrics_port)
    if not jobs_only:
        pages.mount_static(app)
    errors.install(app)
    complete_openapi(app, keyed=settings.keyed, max_pictures=settings.max_pictures)
    _add_middleware(app, settings, state, paths(compat))
    return app


def _add_middleware(app: FastAPI, settings: Settings, state: AppState, compat: list[str]) -> None:
    # The last one added is the outermost.
    app.add_middleware(SlowClientTimeout, seconds=settings.upload_idle_seconds)
    app.add_middleware(BodyMeter)
    app.add_middleware(KnownOrigins, origins=settings.cors_origins)
    app.add_middleware(KnownHosts, rule=HostRule.of(settings.host, settings.allowed_hosts, settings.keyed))
    if settings.metrics_port is not None:
        open_rule = HostRule.of(settings.host, settings.allowed_hosts, keyed=False)
        app.add_middleware(MetricsPort, port=settings.metrics_port, rule=open_rule)
    app.add_middleware(ErrorBoundary)
    app.add_middleware(LingeringClose)
    gates = {"/predict": state.gate, "/analyze-video": state.clip_gate, **dict.fromkeys(compat, state.gate)}
    app.add_middleware(EarlyRefusal, gates=gates, keyed=settings.keyed)
    if settings.cors_origins:
        app.add_middleware(CORSMiddleware, allow_origins=settings.cors_origins, **CORS)
    app.add_middleware(RequestContext, metrics=state.metrics)


async def _fill(slot: EngineSlot, settings: Settings, on_failure: OnFailure, on_ready: Callable[[], None]) -> None:
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
        on_ready()
        keys = "required" if settings.keyed else "not required"
        fields = {"store": settings.store, "workers": settings.workers, "provider": settings.provider, "api_keys": keys}
        _LOGGER.info("ready", extra={"fields": fields})


async def _warm_up(decoders: DecoderPool | None) -> None:
    """Start the decoder processes, so that the first clip need not wait for it."""
    if decoders is None:
        return
    try:
        await to_thread.run_sync(decoders.warm_up)
    except DecoderUnavailable as error:
        _LOGGER.error("the decoder processes cannot be started yet: %s", error)


def _open(settings: Settings, on_failure: OnFailure) -> Engine:
    # This import loads onnxruntime, which takes much of the start; the probes need not wait for it.
    from mien.engine.local import EngineConfig, open_engine  # noqa: PLC0415

    config = EngineConfig(
        settings.store, settings.workers, settings.provider, hang_seconds=settings.worker_hang_seconds
    )
    return open_engine(config, on_failure)
