"""Campaigns against the program, and the figures that docs/reliability.md shows of them.

    python -m benchmarks.reliability kills [--times 50] [--engine embedded|Neo4j] [--seed 0]
    python -m benchmarks.reliability fuzz [--cases 2000]
    python -m benchmarks.reliability guided [--seconds 60]
    python -m benchmarks.reliability soak [--minutes 60] [--readers 20]
    python -m benchmarks.reliability page

Each campaign puts its rows into docs/reliability.json, in the place of earlier ones of the same command, parser or
kind, and writes the page's figures again; `page` does the latter alone. Kills at the moments of another seed are added
to those that were run before. `take FILE` adds the lines that tests wrote where PHARMAGRAPH_TEST_RECORD named a file,
as of a campaign that was stopped. A row says how many were run, at which commit (a plus: with changes), on which day.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.recorded import VARIABLE, commit, today, with_figures

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE, FIGURES = "reliability.md", "reliability.json"
BEGIN, END = (
    "<!-- figures: python -m benchmarks.reliability page -->\n",
    "<!-- end of figures -->\n",
)
TESTS = {
    ("kills", "embedded"): "tests/faults/test_kill_anywhere.py",
    ("kills", "Neo4j"): "tests/faults/test_kill_anywhere_neo4j.py",
    ("fuzz", ""): "tests/faults/test_fuzz.py",
    ("guided", ""): "tests/faults/test_fuzz_guided.py",
}
KEYS = {"kills": ("command", "engine", "seed"), "fuzz": ("parser",), "guided": ("parser",), "soak": ()}
"""What tells the rows of a campaign apart."""

Row = dict[str, Any]


def key(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Of a row: a later one with the same key takes its place."""
    return (row["campaign"], *(row[name] for name in KEYS[row["campaign"]]))


def merged(earlier: Iterable[Row], later: Iterable[Row]) -> list[Row]:
    """Rows in the order in which their keys came first, each as it was last."""
    return list(({key(row): row for row in earlier} | {key(row): row for row in later}).values())


def recorded_by(campaign: str, engine: str, **environment: str) -> tuple[list[Row], int]:
    """Run the tests of a campaign; what they recorded, and pytest's exit code."""
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "recorded.jsonl"
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:xdist", "--timeout", "0", TESTS[campaign, engine]],
            cwd=DOCS.parent,
            env=os.environ | {VARIABLE: str(lines)} | environment,
            check=False,
        )
        return taken(lines), done.returncode


def taken(lines: Path) -> list[Row]:
    """Rows that tests recorded in a file."""
    if not lines.exists():
        return []
    return [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()]


def soaked(minutes: float, readers: int) -> list[Row]:
    """The row of a soak: its first round, the third, the one in the middle and the last. Each is printed as it ends."""
    from benchmarks.soak import rounds, table

    rows, begun = [], commit()
    with tempfile.TemporaryDirectory() as folder:
        for row in rounds(Path(folder), minutes, readers=readers):
            rows.append(row)
            print(table(rows) if len(rows) == 1 else table(rows).splitlines()[-1], flush=True)
    kept = sorted({0, 2, len(rows) // 2, len(rows) - 1})
    shown = [asdict(rows[number]) for number in kept]
    return [{"campaign": "soak", "readers": readers, "rounds": shown, "commit": begun, "day": today()}]


def page(rows: Sequence[Row], before: str) -> str:
    """The page's text with the figures of these rows."""
    return with_figures(before, BEGIN, END, figures(rows))


def figures(rows: Sequence[Row]) -> str:
    """All figures, as Markdown."""
    of = {name: [row for row in rows if row["campaign"] == name] for name in KEYS}
    return "\n" + "\n".join([*_kills(of["kills"]), *_fuzz(of["fuzz"], of["guided"]), *_soak(of["soak"])])


def _run(rows: Sequence[Row]) -> str:
    """Where and when rows came from."""
    commits = ", ".join(dict.fromkeys(f"`{row['commit']}`" for row in rows))
    days = sorted({row["day"] for row in rows})
    return f"commit {commits}, {' to '.join(dict.fromkeys((days[0], days[-1])))}"


def _number(n: float) -> str:
    return f"{n:,}"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    align = ["---", *["--:"] * (len(header) - 1)]
    return ["".join(f"| {cell} " for cell in row) + "|" for row in (header, align, *rows)]


def _kills(rows: Sequence[Row]) -> list[str]:
    if not rows:
        return []
    engines = [engine for engine in ("embedded", "Neo4j") if any(row["engine"] == engine for row in rows)]

    def cell(command: str, engine: str) -> str:
        of = [row for row in rows if (row["command"], row["engine"]) == (command, engine)]
        if not of:
            return "–"
        wrong = sum(row["wrong"] for row in of)
        return _number(sum(row["kills"] for row in of)) + (f", {wrong} wrong" if wrong else "")

    total = sum(row["kills"] for row in rows)
    wrong = sum(row["wrong"] for row in rows)
    return [
        f"**Kills.** {_number(total)} commands were killed before their end, at random moments, and run again; "
        f"{_number(wrong)} ended otherwise than a command that nobody disturbed ({_run(rows)}).",
        "",
        *_table(
            ["killed", *engines],
            [
                [command, *(cell(command, e) for e in engines)]
                for command in dict.fromkeys(row["command"] for row in rows)
            ],
        ),
        "",
    ]


def _fuzz(rows: Sequence[Row], guided: Sequence[Row]) -> list[str]:
    if not rows and not guided:
        return []
    by, by_guided = ({row["parser"]: row for row in of} for of in (rows, guided))
    said = []
    for text, of in (("mutated at random", rows), ("found by their coverage (atheris)", guided)):
        if of:
            slowest = max(row["slowest"] for row in of)
            said.append(
                f"{_number(sum(row['cases'] for row in of))} inputs {text}: {sum(row['wrong'] for row in of)} failed, "
                f"the slowest took {slowest:.2f} s ({_run(of)})"
            )

    def cells(row: Row | None) -> list[str]:
        return ["–", "–"] if row is None else [_number(row["cases"]), f"{row['slowest']:.2f}"]

    return [
        f"**Inputs.** {'; '.join(said)}.",
        "",
        *_table(
            ["parser", "at random", "slowest, s", "by coverage", "slowest, s"],
            [
                [name, *cells(by.get(name)), *cells(by_guided.get(name))]
                for name in dict.fromkeys([*by, *by_guided])
            ],
        ),
        "",
    ]


def _soak(rows: Sequence[Row]) -> list[str]:
    if not rows:
        return []
    (row,) = rows
    rounds = row["rounds"]
    last = rounds[-1]
    names = {
        "round": "round", "seconds": "seconds", "memory_mb": "worker, MB", "server_mb": "server, MB",
        "files": "worker's files", "server_files": "server's files", "store_mb": "store, MB", "answers": "answers",
        "failed": "failed", "wrong": "wrong",
    }  # fmt: skip
    return [
        f"**Soak.** {last['seconds'] / 60:.0f} minutes, {_number(last['round'])} rounds, {row['readers']} readers "
        f"({_run(rows)}).",
        "",
        *_table(list(names.values()), [[_number(one[name]) for name in names] for one in rounds]),
        "",
    ]


def write(later: Iterable[Row] = (), docs: Path = DOCS) -> None:
    """Put rows into the file of figures, and the figures into the page."""
    file, text = docs / FIGURES, docs / PAGE
    rows = merged(json.loads(file.read_text(encoding="utf-8")) if file.exists() else [], later)
    file.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n", encoding="utf-8")
    text.write_text(page(rows, text.read_text(encoding="utf-8")), encoding="utf-8")


def main() -> None:
    """Run a campaign, and write its figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_subparsers(dest="what", required=True)
    kills = what.add_parser("kills")
    kills.add_argument("--times", type=int, default=50)
    kills.add_argument("--engine", choices=["embedded", "Neo4j"], default="embedded")
    kills.add_argument("--seed", type=int, default=0)
    what.add_parser("fuzz").add_argument("--cases", type=int, default=2000)
    what.add_parser("guided").add_argument("--seconds", type=int, default=60)
    soak = what.add_parser("soak")
    soak.add_argument("--minutes", type=float, default=60)
    soak.add_argument("--readers", type=int, default=20)
    what.add_parser("take").add_argument("file", type=Path)
    what.add_parser("page")
    asked = parser.parse_args()
    rows: list[Row] = []
    code = 0
    if asked.what == "kills":
        given = {"PHARMAGRAPH_TEST_KILLS": str(asked.times), "PHARMAGRAPH_TEST_KILL_SEED": str(asked.seed)}
        if asked.engine == "Neo4j":
            given["PHARMAGRAPH_TEST_NEO4J"] = os.environ.get("PHARMAGRAPH_TEST_NEO4J", "maven")
        rows, code = recorded_by("kills", asked.engine, **given)
    elif asked.what == "fuzz":
        rows, code = recorded_by("fuzz", "", PHARMAGRAPH_TEST_FUZZ=str(asked.cases))
    elif asked.what == "guided":
        rows, code = recorded_by("guided", "", PHARMAGRAPH_TEST_FUZZ_SECONDS=str(asked.seconds))
    elif asked.what == "soak":
        rows = soaked(asked.minutes, asked.readers)
    elif asked.what == "take":
        rows = taken(asked.file)
    write(rows)
    sys.exit(code)


if __name__ == "__main__":
    main()
