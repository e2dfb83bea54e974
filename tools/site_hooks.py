"""What mkdocs.yml runs: pages of the repository's root join the site, and links out of ``docs/`` become text."""

from __future__ import annotations

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT_PAGES = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s#]+)(#[^)\s]*)?\)")


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    root = Path(config.docs_dir).parent
    for source, page in ROOT_PAGES.items():
        files.append(File.generated(config, page, content=in_docs((root / source).read_text(encoding="utf-8"))))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    return without_outside(markdown)


def in_docs(text: str) -> str:
    """A page of the root as it reads in ``docs/``: links are relative to that folder."""

    def moved(link: re.Match[str]) -> str:
        title, target, anchor = link[1], link[2], link[3] or ""
        if "://" in target or target.startswith("docs/"):
            return link[0].replace("](docs/", "](")
        return f"[{title}](../{target}{anchor})"

    return without_outside(_LINK.sub(moved, text).replace("](docs/", "]("))


def without_outside(text: str) -> str:
    """Links to files that are no pages, such as ``../training/README.md``, as their titles and paths."""

    def named(link: re.Match[str]) -> str:
        title, target, anchor = link[1], link[2], link[3] or ""
        if not target.startswith("../"):
            return link[0]
        path = target.removeprefix("../")
        if path in ROOT_PAGES:
            return f"[{title}]({ROOT_PAGES[path]}{anchor})"
        return f"`{path}`" if title == path else f"{title} (`{path}`)"

    return _LINK.sub(named, text)
