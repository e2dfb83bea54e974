"""The pages for browsers. Everything they load is in this package: they work offline."""

from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse
from starlette.staticfiles import StaticFiles

from mien.api.dependencies import GetRoute

_STATIC = Path(__file__).parent / "static"
_HEADERS = {
    # Browsers then load nothing from elsewhere, which also proves that the pages work offline.
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}

router = APIRouter(route_class=GetRoute, include_in_schema=False)


@router.get("/")
async def index() -> FileResponse:
    """Drop a picture, see its faces."""
    return FileResponse(_STATIC / "index.html", headers=_HEADERS)


@router.get("/docs")
async def docs() -> FileResponse:
    """The API, rendered from /openapi.json."""
    return FileResponse(_STATIC / "docs.html", headers=_HEADERS)


def mount_static(app: FastAPI) -> None:
    """Serve the scripts and styles of the pages."""
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
