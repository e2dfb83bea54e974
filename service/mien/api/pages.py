"""The pages for browsers. Everything they load is in this package: they work offline."""

from pathlib import Path

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse
from starlette.staticfiles import StaticFiles

from mien.api.dependencies import GetRoute

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
_ANSWERS = 'data-answers="{}"'

router = APIRouter(route_class=GetRoute, include_in_schema=False)


@router.get("/")
async def index(request: Request) -> HTMLResponse:
    """Pictures, clips and a camera, and what the service says of them."""
    page = (_STATIC / "index.html").read_text(encoding="utf-8")
    if request.app.state.settings.aggregate_only:
        page = page.replace(_ANSWERS.format("faces"), _ANSWERS.format("counts"), 1)
    return HTMLResponse(page, headers=PAGE_HEADERS)


@router.get("/docs")
async def docs() -> FileResponse:
    """The API, rendered from /openapi.json."""
    return FileResponse(_STATIC / "docs.html", headers=PAGE_HEADERS)


def mount_static(app: FastAPI) -> None:
    """Serve the scripts and styles of the pages."""
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
