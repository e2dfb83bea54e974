"""``mien serve``: the HTTP service."""

import click

from mien.server.uvicorn_server import serve
from mien.settings import Settings
from mien.telemetry.logs import configure_logging


@click.command("serve")
@click.option("--host", help="address to listen on (MIEN_HOST; default: 127.0.0.1)")
@click.option("--port", help="port to listen on; 0 takes a free one (MIEN_PORT; default: 8000)")
@click.option("--workers", help="inference threads (MIEN_WORKERS; default: one per core)")
@click.option("--provider", help="what runs the models: cpu, cuda, openvino, coreml (MIEN_PROVIDER; default: cpu)")
@click.option("--store", help="model store directory (MIEN_STORE; default: the bundled models)")
@click.option("--log-format", help="text or json (MIEN_LOG_FORMAT; default: text)")
def command(**options: str | None) -> int:
    """Serve HTTP until SIGTERM or Ctrl+C. Every other setting is a MIEN_* environment variable."""
    settings = Settings.load(options)
    configure_logging(settings.log_format, settings.log_level)
    serve(settings)
    return 0
