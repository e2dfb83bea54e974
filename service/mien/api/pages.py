"""The pages for browsers. Everything they load is in this package: they work offline."""

from pathlib import Path

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse
from starlette.routing import Match
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from mien.api.dependencies import GetRoute
from mien.api.queries import VideoQuery

_STATIC = Path(__file__).parent / "static"
_POLICY = {
    # Browsers then load nothing from elsewhere, which also proves that the pages work offline.
    "default-src": "'self'",
    "img-src": "'self' blob: data:",
    "media-src": "'self' blob:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
PAGE_HEADERS = {
    "Content-Security-Policy": "; ".join(f"{name} {sources}" for name, sources in _POLICY.items()),
}
"""Of a page for browsers."""
_FEATURES = 'data-features=""'

router = APIRouter(route_class=GetRoute, include_in_schema=False)


@router.get("/")
async def index(request: Request) -> HTMLResponse:
    """Pictures, clips and a camera, and what the service says of them."""
    page = (_STATIC / "index.html").read_text(encoding="utf-8")
    features = " ".join(_features(request.app))
    return HTMLResponse(page.replace(_FEATURES, f'data-features="{features}"', 1), headers=PAGE_HEADERS)


@router.get("/docs")
async def docs() -> FileResponse:
    """The API, rendered from /openapi.json."""
    return FileResponse(_STATIC / "docs.html", headers=PAGE_HEADERS)


def mount_static(app: FastAPI) -> None:
    """Serve the scripts and styles of the pages."""
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")


def _features(app: FastAPI) -> list[str]:
    """What of the page works with this service: it shows nothing that would end in an error."""
    known = {
        "live": _is_served(app, {"type": "websocket", "path": "/live"}),
        "jobs": _is_served(app, {"type": "http", "method": "GET", "path": "/jobs/any"}),
        "aggregate": app.state.settings.aggregate_only,
        "redact-clips": "redact" in VideoQuery.model_fields,
    }
    return [name for name, there in known.items() if there]


def _is_served(app: FastAPI, scope: Scope) -> bool:
    scope = {"headers": [], "root_path": "", "query_string": b"", "path_params": {}, "app": app, **scope}
    return any(route.matches(dict(scope))[0] is Match.FULL for route in app.routes)
