"""Measures how loading and exporting grow with the number of edges, each in a process of its own.

    python -m benchmarks.scale [--sizes 1,3] [--rounds 1] [--folder DIR] [--beside TEXT] [--format table|json]
    python -m benchmarks.scale --page

Sizes are in millions of edges. A synthetic screen of each size (`cli ingest synthetic --density`) is loaded into a new
embedded store, and exported as arrays (`cli export arrays`). Rows go into docs/scale.json in the place of earlier ones
of the same case and size, and docs/scale.md and docs/scale.svg are made of them; ``--page`` does the latter alone.
``--beside`` says what else the machine did meanwhile.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks import Row, scale_page
from benchmarks.measure import peak_mb
from benchmarks.recorded import commit, today
from pharmagraph.ingest.sources.large_screen import LargeScreen
from pharmagraph.kg.console import Format, note, print_rows
from pharmagraph.kg.ladybug.fill import MOST_AT_ONCE

DOCS = Path(__file__).resolve().parent.parent / "docs"
FIGURES = DOCS / "scale.json"
SHAPE = {"drugs": 400, "cells": 950, "genes": 6000}
"""Numbers of nodes of a screen like GDSC's; those of a size are all multiplied by one factor."""
OPTIONS = {"density": 0.9, "share": 0.05, "neighbours": 15}
CASES = ("ingest", "export")
COLUMNS = (
    "case",
    "edges",
    "seconds",
    "processor",
    "rate",
    "peak_mb",
    "base_mb",
    "disk_mb",
    "largest_mb",
    "round",
)


def screen(edges: float) -> LargeScreen:
    """A screen with about so many edges."""

    def of(factor: float) -> LargeScreen:
        return LargeScreen(**{name: math.ceil(n * factor) for name, n in SHAPE.items()}, **OPTIONS)  # type: ignore[arg-type]

    low, high = 1e-2, 1e4
    while high / low > 1.0001:
        middle = math.sqrt(low * high)
        low, high = (low, middle) if sum(of(middle).expected().values()) > edges else (middle, high)
    return of(low)


def measured(case: str, edges: float, folder: Path) -> Row:
    """One case, in this process: memory is that of the whole process, whose imports are done before."""
    import pharmagraph as pg
    from pharmagraph.ingest import large_load  # noqa: F401  (imports are not measured)
    from pharmagraph.kg.heterograph import write_arrays

    store, arrays = folder / "graph.lbug", folder / "arrays"
    size = screen(edges)
    with pg.open_store(f"ladybug://{folder / 'other.lbug'}") as other:
        other.create_schema()  # loads the engine
    base = peak_mb()
    started, before = time.perf_counter(), _processor()
    with pg.open_store(f"ladybug://{store}", read_only=case == "export") as graph:
        if case == "ingest":
            pg.ingest.synthetic(
                graph, drugs=size.drugs, cells=size.cells, genes=size.genes, density=size.density,
                share=size.share, neighbours=size.neighbours,
            )  # fmt: skip
        else:
            write_arrays(graph, arrays)
    seconds, processor, peak = time.perf_counter() - started, _processor() - before, peak_mb()
    with pg.open_store(f"ladybug://{store}", read_only=True) as graph:
        held = {key: n for key, n in graph.counts().items() if "-" in key}
    n = sum(held.values())
    row: dict[str, Any] = {
        "case": case, "implementation": "embedded", "edges": n, "largest": max(held.values()), "seconds": seconds,
        "processor": processor, "rate": n / seconds, "peak_mb": peak, "base_mb": base,
        "nodes": [size.drugs, size.cells, size.genes], "most_at_once": MOST_AT_ONCE,
    }  # fmt: skip
    if case == "ingest":
        row["disk_mb"] = store.stat().st_size / 1e6
    else:
        relations = [
            sum(f.stat().st_size for f in one.iterdir()) / 1e6 for one in arrays.iterdir() if one.is_dir()
        ]
        row |= {"disk_mb": sum(relations), "largest_mb": max(relations)}
    return row  # type: ignore[return-value]


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def run(sizes: Iterable[float], rounds: int, folder: Path | None, beside: str) -> list[dict[str, Any]]:
    """Rows of all cases, each of a process of its own."""
    about = {"machine": _machine(), "beside": beside, "commit": commit(), "day": today()}
    rows = []
    for size in sizes:
        for turn in range(1, rounds + 1):
            with tempfile.TemporaryDirectory(dir=folder, prefix="scale-") as place:
                for case in CASES:
                    words = ["--worker", case, "--sizes", str(size), "--folder", place]
                    done = subprocess.run(
                        [sys.executable, "-m", "benchmarks.scale", *words], stdout=subprocess.PIPE, text=True
                    )
                    if done.returncode:
                        raise SystemExit(f"{case} of {size:g} million edges failed")
                    row = json.loads(done.stdout.splitlines()[-1])
                    rows.append({**row, "size": size * 1e6, "round": turn, **about})
                    note(json.dumps(rows[-1]))
                    if case == "export":
                        shutil.rmtree(Path(place) / "arrays")
    return rows


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return f"{os.cpu_count()} × {platform.machine()}, {memory:.0f} GB of memory, Python {platform.python_version()}"


def merged(earlier: Iterable[dict[str, Any]], later: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows by size and case; those of a size and case that was measured again are gone."""
    later = list(later)
    again = {(row["case"], row["size"]) for row in later}
    kept = [row for row in earlier if (row["case"], row["size"]) not in again]
    return sorted([*kept, *later], key=lambda row: (CASES.index(row["case"]), row["size"], row["round"]))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", default="1,3", help="millions of edges, such as 1,3,10,30,100")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where stores are made and removed")
    parser.add_argument("--beside", default="nothing else running", help="what else the machine did")
    parser.add_argument("--format", choices=["table", "json"], default="table")
    parser.add_argument("--page", action="store_true", help="only make the page anew")
    parser.add_argument("--worker", choices=CASES, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    sizes = [float(size) for size in chosen.sizes.split(",")]
    if chosen.worker:
        print(json.dumps(measured(chosen.worker, sizes[0] * 1e6, chosen.folder)))
        return
    rows = json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else []
    if not chosen.page:
        new = run(sizes, chosen.rounds, chosen.folder, chosen.beside)
        rows = merged(rows, new)
        FIGURES.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print_rows(new, Format(chosen.format), columns=COLUMNS)
    scale_page.write(rows, DOCS)


if __name__ == "__main__":
    main()
