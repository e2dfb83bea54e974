"""``GET /privacy``: what is kept, from the settings, and a notice for those who must inform people."""

from html import escape
from pathlib import Path
from string import Template

from fastapi import APIRouter, Request, Response

from mien.api.dependencies import GetRoute, StateDep
from mien.api.negotiation import accept_of, choose
from mien.api.openapi import problems
from mien.api.pages import PAGE_HEADERS
from mien.api.privacy_statement import PrivacyOut

JSON, HTML = "application/json", "text/html"
_TEMPLATE = Path(__file__).with_name("privacy.html")

router = APIRouter(route_class=GetRoute, tags=["privacy"])


@router.get(
    "/privacy",
    response_model=PrivacyOut,
    responses={200: {"content": {HTML: {"schema": {"type": "string"}}}}, **problems(406, 421)},
    summary="What is kept, and a notice for people who are shown to the service",
)
async def get_privacy(request: Request, state: StateDep) -> Response:
    """What this service keeps of the pictures and clips that it gets, as JSON or as a page; a text for those who must
    inform people, and the rules that may require it, with their sources. This is no legal advice.
    """
    found = state.privacy
    if choose(accept_of(request.headers), (JSON, HTML)) == JSON:
        return Response(found.model_dump_json(), media_type=JSON)
    return Response(_page(found), media_type=HTML, headers=PAGE_HEADERS)


def _page(found: PrivacyOut) -> str:
    retention = found.retention
    held = [f"<tr><td>{escape(row.what)}<td>{escape(row.where)}<td>{escape(row.until)}" for row in retention.held]
    kept = [f"<li>{escape(row.what)}: {escape(row.where)}, until {escape(row.until)}" for row in retention.kept]
    laws = [
        f"<tr><td>{escape(law.rule)}<td>{escape(law.says)}<td>{law.applies_from}"
        f'<td><a href="{escape(law.source)}" rel="noreferrer">text</a>'
        for law in found.law
    ]
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        statement=escape(retention.statement),
        kept="".join(kept) or "<li>Nothing.",
        held="".join(held),
        log=escape(retention.log),
        sent_elsewhere=escape(retention.sent_elsewhere),
        notice="".join(f"<p>{escape(part)}</p>" for part in found.notice.split("\n\n")),
        laws="".join(laws),
        legal_advice=escape(found.legal_advice),
    )
