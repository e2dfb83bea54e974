"""Tables and numbers as the card writes them."""

import textwrap
from collections.abc import Iterable, Sequence

WIDTH = 120


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; cells are written as they are."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def percent(share: float) -> str:
    """A share as per cent, two decimals, without the sign."""
    return f"{100 * share:.2f}"


def refilled(text: str) -> str:
    """`text` with its paragraphs and list items broken at 120 columns; tables, headings and code stay as they are."""
    lines: list[str] = []
    open_lines: list[str] = []
    fenced = False

    def close() -> None:
        if open_lines:
            indent = "  " if open_lines[0].startswith("- ") else ""
            joined = " ".join(line.strip() for line in open_lines)
            filled = textwrap.wrap(
                joined, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
            )
            lines.extend(filled)
            open_lines.clear()

    for line in text.splitlines():
        fence = line.startswith("```")
        if fenced or fence or not line.strip() or line.startswith(("#", "|", "!")):
            close()
            lines.append(line)
        else:
            if line.startswith("- "):
                close()
            open_lines.append(line)
        fenced ^= fence
    close()
    return "\n".join(lines) + "\n"
