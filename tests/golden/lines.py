"""Finds the commands that the pages show, and those of `commands.txt`, which the pages do not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
PAGES = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").glob("*.md"))]
COMMANDS = Path(__file__).with_name("commands.txt")
_PROGRAMS = {
    "cli",
    "make",
    "python",
    "pip",
    "docker",
    "kubectl",
    "helm",
    "torchrun",
    "sh",
    "neo4j-admin",
    "export",
}
_MARK = re.compile(r"<!-- not run( on this page)?:(.*?)-->", re.DOTALL)


@dataclass(frozen=True)
class Line:
    """A command as it is written, and where; ``skipped`` is the reason for which it is not run."""

    text: str
    place: str
    skipped: str | None = None

    def __str__(self) -> str:
        return f"{self.place} {self.text}"


def lines_of(page: Path) -> list[Line]:
    """The commands in the blocks of a page.

    Raises
    ------
    ValueError
        If a mark has no reason, or stands before no block of commands.
    """
    text = page.read_text(encoding="utf-8")
    whole = None
    marks: dict[int, str] = {}  # number of the mark's last line → reason
    for mark in _MARK.finditer(text):
        place = f"{page.name}:{text.count(chr(10), 0, mark.start()) + 1}"
        reason = " ".join(mark[2].split())
        if not reason:
            raise ValueError(f"{place}: a block is not run, and no reason is given")
        if mark[1]:
            whole = reason
        else:
            marks[text.count("\n", 0, mark.end()) + 1] = reason
    found, used = [], set()
    for start, block in _blocks(text.splitlines()):
        above = max((n for n in marks if n < start and not _between(text, n, start)), default=None)
        commands = [(n, line) for n, line in block if line.split(" ", 1)[0] in _PROGRAMS]
        if above is not None and commands:
            used.add(above)
        reason_ = marks[above] if above is not None else whole
        found += [Line(line, f"{page.name}:{n}", reason_) for n, line in commands]
    if unused := sorted(set(marks) - used):
        raise ValueError(f"{page.name}:{unused[0]}: the mark stands before no commands")
    return found


def _between(text: str, mark: int, start: int) -> bool:
    """Whether something stands between a mark and the block that begins at line ``start``."""
    return any(line.strip() and not line.startswith("```") for line in text.splitlines()[mark : start - 1])


def _blocks(lines: list[str]) -> Iterator[tuple[int, list[tuple[int, str]]]]:
    """Fenced and indented blocks, other than Python and Cypher: number of the first line, and numbered lines."""
    block: list[tuple[int, str]] = []
    fence: str | None = None
    for number, line in enumerate([*lines, ""], 1):
        if line.startswith("```"):
            if fence is None:
                fence, block = line[3:].strip(), []
            else:
                if block and fence not in {"python", "cypher"}:
                    yield block[0][0], block
                fence, block = None, []
        elif fence is not None or line.startswith("    "):
            block.append((number, line.strip().removeprefix("$ ")))
        elif block:
            yield block[0][0], block
            block = []


def commands() -> list[Line]:
    """The lines of `commands.txt`."""
    numbered = enumerate(COMMANDS.read_text(encoding="utf-8").splitlines(), 1)
    return [Line(text, f"{COMMANDS.name}:{n}") for n, text in numbered if text.startswith("cli ")]
