"""``mien jobs``: the jobs of a running service."""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import httpx

from mien.cli.common import EXISTING, analysis_options, table
from mien.cli.inputs import CLIPS, expand
from mien.cli.sampling import sampling_options
from mien.cli.server import open_client
from mien.domain import AnalyzeOptions
from mien.errors import InvalidOption, MienError
from mien.results.options import clip_keywords
from mien.usecases.analyze_video import VideoOptions

_FORMS = {
    "json": "application/json",
    "csv": "text/csv",
    "ndjson": "application/x-ndjson",
    "png": "image/png",
    "mp4": "video/mp4",
}
_TIMEOUT = httpx.Timeout(10.0, read=60.0)


class _ServerError(MienError):
    """What the server answered, or that it does not."""


@click.group("jobs")
@click.option("--url", envvar="MIEN_URL", default="http://127.0.0.1:8000", help="where the service is (MIEN_URL)")
@click.option("--api-key", envvar="MIEN_CLIENT_KEY", help="an API key of the service (MIEN_CLIENT_KEY)")
@click.pass_context
def command(context: click.Context, url: str, api_key: str | None) -> None:
    """Submit clips to a running service as jobs; list, watch and cancel jobs, and fetch their results."""
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    context.obj = context.with_resource(httpx.Client(base_url=url, headers=headers, timeout=_TIMEOUT))


@command.command("submit")
@click.argument("clips", nargs=-1, required=True, type=EXISTING, metavar="CLIP...")
@click.option("--annotated", is_flag=True, help="make an annotated clip too (result --format mp4)")
@click.option("--redact", is_flag=True, help="make the faces unrecognisable in it")
@sampling_options
@analysis_options
@click.pass_context
def submit(
    context: click.Context,
    *,
    clips: tuple[Path, ...],
    annotated: bool,
    redact: bool,
    video: VideoOptions,
    options: AnalyzeOptions,
) -> int:
    """Upload each CLIP (or the clips of a folder) and print the id of its job."""
    if redact and not annotated:
        raise InvalidOption("redact", "--redact hides faces in the annotated clip; add --annotated, or leave it out.")
    assert context.parent is not None  # noqa: S101  a command of a group
    given = context.parent.params
    with open_client(given["url"], given["api_key"]) as client:
        for one in expand(clips, CLIPS):
            keywords = clip_keywords(options, video)
            click.echo(client.submit(one.path, annotated=annotated, redact=redact, **keywords).id)
    return 0


@command.command("list")
@click.option("--state", "states", multiple=True, help="only jobs in this state (may be repeated)")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, help="at most so many, the newest")
@click.option("--json", "as_json", is_flag=True, help="print the server's answer")
@click.pass_obj
def list_jobs(client: httpx.Client, states: tuple[str, ...], limit: int, as_json: bool) -> int:
    """List the newest jobs."""
    with _answer(client, "GET", "/jobs", params={"state": list(states), "limit": limit}) as answer:
        found = json.loads(answer.read())["jobs"]
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return 0
    rows = [(one["id"], one["state"], f"{one['progress']:.0%}", one["created"], _remark(one)) for one in found]
    click.echo(table(("job", "state", "done", "created", ""), rows))
    return 0


@command.command("show")
@click.argument("job")
@click.pass_obj
def show(client: httpx.Client, job: str) -> int:
    """Print one job as JSON."""
    with _answer(client, "GET", f"/jobs/{job}") as answer:
        click.echo(json.dumps(json.loads(answer.read()), indent=2))
    return 0


@command.command("watch")
@click.argument("job")
@click.pass_obj
def watch(client: httpx.Client, job: str) -> int:
    """Print the progress of a job until it ends; exit code 1 unless it succeeds."""
    found: dict[str, Any] = {}
    while not found or found["state"] in ("queued", "running"):
        try:
            with _answer(client, "GET", f"/jobs/{job}/events") as answer:
                for line in answer.iter_lines():
                    if line.startswith("data:"):
                        found = json.loads(line.removeprefix("data:"))
                        click.echo(f"{found['state']}  {found['progress']:.0%}  {_remark(found)}".rstrip())
        except httpx.TransportError as error:
            if not found:
                raise _ServerError(f"{client.base_url} does not answer ({error}).") from error
            time.sleep(1)  # the service restarts
    return 0 if found["state"] == "succeeded" else 1


@command.command("result")
@click.argument("job")
@click.option("--format", "form", type=click.Choice([*_FORMS]), default="json", help="the form of the result")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="a file; default: the terminal")
@click.pass_obj
def result(client: httpx.Client, job: str, form: str, output: Path | None) -> int:
    """Fetch the result of a job."""
    with _answer(client, "GET", f"/jobs/{job}/result", headers={"Accept": _FORMS[form]}) as answer:
        if output is None:
            for piece in answer.iter_bytes():
                sys.stdout.buffer.write(piece)
            return 0
        partial = output.with_name(f".{output.name}.{os.getpid()}")
        try:
            with partial.open("wb") as file:
                for piece in answer.iter_bytes():
                    file.write(piece)
            partial.replace(output)
        finally:
            partial.unlink(missing_ok=True)
    return 0


@command.command("cancel")
@click.argument("jobs", nargs=-1, required=True)
@click.pass_obj
def cancel(client: httpx.Client, jobs: tuple[str, ...]) -> int:
    """Cancel jobs, or remove those that have ended; their clips and results are deleted."""
    for job in jobs:
        with _answer(client, "DELETE", f"/jobs/{job}"):
            click.echo(f"{job} cancelled")
    return 0


@contextmanager
def _answer(client: httpx.Client, method: str, path: str, **options: Any) -> Iterator[httpx.Response]:
    """The answer, if it is a success; its body is not read yet."""
    try:
        with client.stream(method, path, **options) as answer:
            if not answer.is_success:
                raise _ServerError(_detail(answer))
            yield answer
    except httpx.ConnectError as error:
        raise _ServerError(f"{client.base_url} does not answer ({error}); name the service with --url.") from error


def _detail(answer: httpx.Response) -> str:
    try:
        return str(json.loads(answer.read())["detail"])
    except (ValueError, KeyError, TypeError):
        return f"{answer.url} answered {answer.status_code}."


def _remark(job: dict[str, Any]) -> str:
    if job["error"] is not None:
        return str(job["error"]["detail"])
    return "" if job["eta_seconds"] is None else f"{job['eta_seconds']:.0f} s left"
