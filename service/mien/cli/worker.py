"""``mien worker``: a process that works on jobs, for any number of services that share its database."""

import click

from mien.errors import InvalidOption
from mien.server.uvicorn_server import serve
from mien.settings import Settings
from mien.telemetry.logs import configure_logging


@click.command("worker")
@click.option("--host", help="address of the probes and metrics (MIEN_HOST; default: 127.0.0.1)")
@click.option("--port", help="port of the probes and metrics (MIEN_PORT; default: a free one)")
@click.option("--workers", help="inference threads (MIEN_WORKERS; default: one per core)")
@click.option("--provider", help="what runs the models: cpu, cuda, openvino, coreml (MIEN_PROVIDER; default: cpu)")
@click.option("--store", help="model store directory (MIEN_STORE; default: the bundled models)")
@click.option("--log-format", help="text or json (MIEN_LOG_FORMAT; default: text)")
def command(**options: str | None) -> int:
    """Work on the jobs in MIEN_DATABASE_URL until SIGTERM or Ctrl+C. Only health probes and metrics are answered."""
    settings = Settings.load(options)
    if settings.database_url is None:
        raise InvalidOption(
            "MIEN_DATABASE_URL", "mien worker needs MIEN_DATABASE_URL, a PostgreSQL that the services use as well."
        )
    if settings.job_workers == 0:
        raise InvalidOption("MIEN_JOB_WORKERS", "MIEN_JOB_WORKERS is 0: this worker would do nothing; unset it.")
    if "port" not in settings.model_fields_set:
        settings = settings.model_copy(update={"port": 0})  # several on one machine, with a service
    configure_logging(settings.log_format, settings.log_level)
    serve(settings, jobs_only=True)
    return 0
