"""Clients generated from /openapi.json, in Python and TypeScript, against a running service."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.e2e.server import Server

_PYTHON = """
import io, json, sys
from generated import AuthenticatedClient
from generated.api.clips import analyze_video
from generated.api.jobs import list_jobs
from generated.api.pictures import predict
from generated.models import AnalyzeVideoFilesBody, DetectorMode, Mode, PredictFilesBody
from generated.types import File

url, picture, clip = sys.argv[1:]
client = AuthenticatedClient(base_url=url, token="none needed", timeout=60)

def file(path):
    return File(payload=io.BytesIO(open(path, "rb").read()), file_name=path)

form = predict.sync(client=client, body=PredictFilesBody(file=[file(picture)] * 2), detector=DetectorMode.FAST)
raw = predict.sync(client=client, body=file(picture))
clips = [
    analyze_video.sync(client=client, body=body, fps=2.0)
    for body in (AnalyzeVideoFilesBody(file=file(clip)), file(clip))
]
job = analyze_video.sync(client=client, body=file(clip), mode=Mode.ASYNC)
print(json.dumps({
    "form": [image.faces[0].emotion for image in form.images],
    "raw": [image.faces[0].emotion for image in raw.images],
    "clips": [len(clip.people) for clip in clips],
    "listed": job.id in [job.id for job in list_jobs.sync(client=client).jobs],
    "problem": predict.sync(client=client, body=file(picture), max_faces=0).code,
}))
"""
_TYPESCRIPT = """
import createClient from "openapi-fetch";
import { openAsBlob } from "node:fs";
import type { paths } from "./generated.js";

const [url, picture, clip] = process.argv.slice(2) as [string, string, string];
const client = createClient<paths, "application/json" | "application/problem+json">({ baseUrl: url });
const raw = {
  headers: { "Content-Type": "application/octet-stream" },
  bodySerializer: (body: unknown) => body as Blob,
};
function form(body: { file: unknown }): FormData {
  const data = new FormData();
  for (const file of [body.file].flat()) data.append("file", file as Blob, "file");
  return data;
}
// The generator writes binary as string.
const file = async (path: string) => (await openAsBlob(path)) as unknown as string;

const predicted = await client.POST("/predict", {
  params: { query: { detector: "fast" } }, body: { file: [await file(picture)] }, bodySerializer: form as never,
});
const rawly = await client.POST("/predict", { body: await file(picture) as never, ...raw });
const clips = await client.POST("/analyze-video", {
  params: { query: { fps: 2 } }, body: { file: await file(clip) }, bodySerializer: form as never,
});
const job = await client.POST("/analyze-video", {
  params: { query: { mode: "async" } }, body: await file(clip) as never, ...raw,
});
const id = job.response.headers.get("location")?.split("/").at(-1);
const jobs = await client.GET("/jobs");
const refused = await client.POST("/predict", {
  params: { query: { max_faces: 0 } }, body: await file(picture) as never, ...raw,
});
console.log(JSON.stringify({
  form: predicted.data?.images.map((image) => image.faces?.[0]?.emotion),
  raw: rawly.data?.images.map((image) => image.faces?.[0]?.emotion),
  clips: clips.data && "people" in clips.data ? clips.data.people.length : null,
  listed: jobs.data?.jobs.some((job) => job.id === id),
  problem: refused.error?.code,
}));
"""
_PACKAGES = ("openapi-typescript@7.13.0", "openapi-fetch@0.17.0", "typescript@5.9.3", "@types/node@22")


def run(command: Sequence[str | Path], folder: Path, **environment: str) -> str:
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in (done.stdout + done.stderr).lower(), done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def document(server: Server, tmp_path: Path) -> Path:
    path = tmp_path / "openapi.json"
    path.write_bytes(server.client.get("/openapi.json").raise_for_status().content)
    return path


def test_a_python_client_is_generated_and_works(
    server: Server, document: Path, astronaut_file: Path, pan: Path, tmp_path: Path
) -> None:
    tools = Path(sys.executable).parent
    # It formats what it has written with ruff, which it looks for in PATH.
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    run(
        [
            *(tools / "openapi-python-client", "generate", "--path", document, "--fail-on-warning"),
            *("--meta", "none", "--output-path", tmp_path / "generated"),
        ],
        tmp_path,
        PATH=path,
    )
    answer = json.loads(run([sys.executable, "-c", _PYTHON, server.url, astronaut_file, pan], tmp_path))
    assert answer == {
        "form": ["happy", "happy"],
        "raw": ["happy"],
        "clips": [1, 1],
        "listed": True,
        "problem": "invalid_option",
    }


def test_a_typescript_client_is_generated_and_works(
    server: Server, document: Path, astronaut_file: Path, pan: Path, tmp_path: Path
) -> None:
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("there is no node here")
    (tmp_path / "package.json").write_text('{"type": "module", "private": true}')
    install = [npm, "install", "--no-audit", "--no-fund", "--prefer-offline", "--fetch-retries=0", *_PACKAGES]
    if subprocess.run(install, cwd=tmp_path, capture_output=True, timeout=120, check=False).returncode:
        pytest.skip("npm cannot install openapi-typescript here")
    tools = tmp_path / "node_modules" / ".bin"
    run([tools / "openapi-typescript", document, "--output", "generated.ts"], tmp_path)
    (tmp_path / "use.ts").write_text(_TYPESCRIPT)
    options = ("--strict", "--target", "es2022", "--module", "nodenext", "--skipLibCheck")
    run([tools / "tsc", *options, "use.ts"], tmp_path)
    answer = json.loads(run([node, "--no-warnings", "use.js", server.url, astronaut_file, pan], tmp_path))
    assert answer == {"form": ["happy"], "raw": ["happy"], "clips": 1, "listed": True, "problem": "invalid_option"}
