"""Times what a user waits for: whole commands on a trained store, each in a process of its own.

    python -m benchmarks.waiting --store ladybug://pharmagraph.lbug [--times N] [--row NAME]…

It prints a Markdown table with medians: wall seconds, processor seconds, and peak memory of the process. This process
imports nothing large, because the peak that the kernel reports of a child begins at that of its parent.
"""

from __future__ import annotations

import argparse
import os
import platform
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ASPIRIN = "CC(=O)OC1=CC=CC=C1C(=O)O"
KILOBYTES_A_MEGABYTE = 1_000


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes
    ----------
    name
        What is timed.
    words
        Of the command line, after `cli`; ``{out}`` is a new path each time, ``{profile}`` a file of expression.
    refused
        Whether the command is timed until it refuses: exit code 1.
    always
        Whether the row is timed unless others are named.
    """

    name: str
    words: tuple[str, ...]
    refused: bool = False
    always: bool = True


@dataclass(frozen=True)
class Timing:
    """Medians of a row: seconds, seconds of all processors, megabytes; or why the command failed."""

    wall: float = 0.0
    processor: float = 0.0
    peak: float = 0.0
    failure: str = ""


def rows(drug: str, cell: str, gene: str) -> list[Row]:
    """All rows, in the order of the table."""
    pair = ("--drug", drug, "--cell", cell)
    return [
        Row("demo", ("demo",), always=False),
        Row("predict, known pair", ("predict", *pair)),
        Row("predict, new SMILES, all cell lines", ("predict", "--drug", ASPIRIN)),
        Row("predict, new profile, all drugs", ("predict", "--cell", "{profile}")),
        Row("explain", ("explain", *pair)),
        Row("explain --silence", ("explain", *pair, "--silence", gene)),
        Row("explain --silence --null 20", ("explain", *pair, "--silence", gene, "--null", "20")),
        Row("explain --rank 5 --null 20", ("explain", *pair, "--rank", "5", "--null", "20")),
        Row("faithfulness", ("faithfulness", "--quiet")),
        Row("export graphml", ("export", "graphml", "{out}")),
        Row("export networkx", ("export", "networkx", "{out}")),
        Row("export kgx", ("export", "kgx", "{out}")),
        Row("export heterograph", ("export", "heterograph", "{out}")),
        Row("export dgl", ("export", "dgl", "{out}")),
        Row("enrich", ("enrich", "--drug", drug)),
        Row("enrich without pathways: its refusal", ("enrich", "--drug", drug), refused=True, always=False),
        Row("query top-genes", ("query", "top-genes", f"drug={drug}")),
        Row("status", ("status",)),
        Row("runs list", ("runs", "list")),
        Row("help", ("--help",)),
        Row("help of export", ("export", "--help")),
    ]


def measure(row: Row, store: str, profile: Path, times: int) -> Timing:
    """Run a row's command several times, one process after another."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(times):
            out = Path(folder) / f"out{number}"
            words = [w.format(out=out, profile=profile) if w[0] == "{" else w for w in row.words]
            start = time.perf_counter()
            process = subprocess.Popen(
                [sys.executable, "-m", "pharmagraph.cli", *words],
                env={**os.environ, "PHARMAGRAPH_STORE": store},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            said = process.stderr.read() if process.stderr else ""
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            wall = time.perf_counter() - start
            if process.returncode != (1 if row.refused else 0):
                return Timing(failure=(said.strip().splitlines() or [f"exit code {process.returncode}"])[-1])
            found.append((wall, used.ru_utime + used.ru_stime, used.ru_maxrss / KILOBYTES_A_MEGABYTE))
    return Timing(*(statistics.median(values) for values in zip(*found, strict=True)))


def write_profile(store: str, cell: str, path: Path) -> None:
    """Write the stored expression of a cell line as the file of a new one: columns gene and z."""
    wanted = "c.id = $cell OR c.name = $cell"
    cypher = f"MATCH (c:CellLine)-[e:EXPRESSES]->(g:Gene) WHERE {wanted} RETURN g.id AS gene, e.z AS z"
    words = ["query", "--cypher", cypher, f"cell={cell}", "--store", store, "--format", "csv"]
    done = subprocess.run(
        [sys.executable, "-m", "pharmagraph.cli", *words], capture_output=True, text=True, check=True
    )
    path.write_text(done.stdout)


def line(row: Row, timing: Timing) -> str:
    """The row of the Markdown table."""
    command = " ".join(["cli", *(w if w[0] == "{" else shlex.quote(w) for w in row.words)])
    if timing.failure:
        return f"| {row.name} | `{command}` | failed: {timing.failure.replace('|', '/')} | | |"
    return f"| {row.name} | `{command}` | {timing.wall:.2f} | {timing.processor:.2f} | {timing.peak:,.0f} |"


def main(words: list[str] | None = None) -> None:
    """Parse, measure and print."""
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("--store", required=True)
    parser.add_argument("--times", type=int, default=5, help="repetitions of each command")
    parser.add_argument("--row", action="append", help="only this row; repeatable")
    parser.add_argument("--drug", default="lapatinib")
    parser.add_argument("--cell", default="BT-474")
    parser.add_argument("--gene", default="ERBB2", help="for --silence")
    options = parser.parse_args(words)
    every = rows(options.drug, options.cell, options.gene)
    wanted = options.row or [row.name for row in every if row.always]
    if unknown := set(wanted) - {row.name for row in every}:
        parser.error(
            f"no row {', '.join(sorted(unknown))}; there are: {'; '.join(row.name for row in every)}"
        )
    if options.times < 1:
        parser.error(f"--times is {options.times}; give 1 or more")
    print(
        f"Median of {options.times}; {os.cpu_count()} × {platform.machine()}, Python {platform.python_version()}.\n"
    )
    print("| wait for | command | wall s | processor s | peak MB |\n|---|---|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        profile = Path(folder) / "profile.csv"
        if any("{profile}" in row.words for row in every if row.name in wanted):
            write_profile(options.store, options.cell, profile)
        for row in every:
            if row.name in wanted:
                print(line(row, measure(row, options.store, profile, options.times)), flush=True)


if __name__ == "__main__":
    main()
