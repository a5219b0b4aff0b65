"""Times loading one's own data: responses, expression, dose–response points, and a check that meets a bad row.

    python -m benchmarks.own_data [--scale 1] [--rounds N] [--row NAME]… [--format table|json]

Rows of pharmagraph are whole commands, each in a process of its own. The row "pandas, a row at a time" is what people
write instead: pandas reads the same file, and a statement a row merges it into the same engine. It runs for some
thousand rows, after the nodes are there, and its rate stands for all. The seconds of the check are those until it has
printed the bad row, which stands after a tenth of the file. ``--scale`` makes all files smaller by a factor: rows of
tables, curves and cells of the matrix. Rates are in rows, values or curves per second. Processor
seconds are those of all cores; how many times as much the other way takes is told from them, as they hold on a machine
that is busy, too.
"""

from __future__ import annotations

import argparse
import math
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import csv, parquet

from benchmarks import Row
from benchmarks.measure import Command, command
from pharmagraph.kg.console import Format, note, print_rows

RESPONSES = 10_000_000
LINES, GENES = 1_000, 20_000
CURVES, POINTS = 100_000, 9
CHECKED = 25_000_000
"""Rows of the checked file, 1 GB."""

AS_PANDAS = csv.WriteOptions(quoting_style="none")
BAD_AT = 0.1
BY_HAND = 2_000
"""Rows that are merged one at a time."""

OURS, THEIRS = "pharmagraph", "pandas, a row at a time"


def responses(n: int, seed: int) -> pa.Table:
    """A table of n different pairs, ten times as many drugs as cell lines."""
    random = np.random.default_rng(seed)
    n_lines = max(2, round((n / 10) ** 0.5))
    n_drugs = -(-n // n_lines)
    drug, line = np.divmod(np.arange(n), n_lines)
    return pa.table(
        {
            "drug": pa.array([f"Drug {i}x" for i in range(n_drugs)]).take(pa.array(drug)),
            "cell_line": pa.array([f"Line-{i}x" for i in range(n_lines)]).take(pa.array(line)),
            "ln_ic50": np.round(random.normal(1, 2, n), 4),
            "auc": np.round(random.uniform(0.2, 1, n), 4),
        }
    )


def expression(folder: Path, n_lines: int, n_genes: int, seed: int) -> None:
    """DepMap's files of as many cell lines and genes, and a few responses."""
    random = np.random.default_rng(seed)
    ids = [f"ACH-{i:06}" for i in range(n_lines)]
    values = np.round(random.gamma(2, 2, (n_lines, n_genes)).clip(0, 15), 3)
    columns = {"": pa.array(ids)} | {f"GEN{i} ({i + 1})": values[:, i] for i in range(n_genes)}
    csv.write_csv(pa.table(columns), folder / "OmicsExpressionTPMLogp1.csv", AS_PANDAS)
    names = [f"Line-{i}x" for i in range(n_lines)]
    models = {"ModelID": ids, "CellLineName": names, "StrippedCellLineName": names}
    csv.write_csv(pa.table(models), folder / "Model.csv", AS_PANDAS)
    rows = {"drug": ["Drug 1x"] * n_lines, "cell_line": names, "ln_ic50": random.normal(1, 2, n_lines)}
    csv.write_csv(pa.table(rows), folder / "responses.csv", AS_PANDAS)


def points(path: Path, n: int, seed: int) -> None:
    """Points of n noisy curves, at nine concentrations each."""
    random = np.random.default_rng(seed)
    dose = np.tile(10 * 3.0 ** -np.arange(POINTS), n)
    ic50 = np.repeat(np.exp(random.normal(0, 2, n)), POINTS)
    value = 1 / (1 + (dose / ic50)) + random.normal(0, 0.05, n * POINTS)
    pair = np.repeat(np.arange(n), POINTS)
    table = responses(n, seed).select(["drug", "cell_line"]).take(pa.array(pair))
    table = table.append_column("dose_uM", pa.array(dose)).append_column(
        "viability", pa.array(value.round(4))
    )
    csv.write_csv(table, path, AS_PANDAS)


def by_hand(path: Path, graph: Path) -> Command:
    """What it would take to read a file with pandas and to merge its rows one at a time, from some of them.

    The nodes are there, as each statement would otherwise be slower.
    """
    import ladybug
    import pandas as pd

    from pharmagraph.kg.store import open_store

    start = _now()
    frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    reading = _now() - start
    some = frame.head(BY_HAND)
    statement = (
        "MATCH (d:Drug {id: $drug}), (c:CellLine {id: $line}) MERGE (d)-[t:TESTED_ON {dataset: 'by hand'}]->(c) "
        "SET t.ln_ic50 = $ln_ic50, t.auc = $auc"
    )
    with open_store(f"ladybug://{graph}") as store:
        store.create_schema()
        for label, column in (("Drug", "drug"), ("CellLine", "cell_line")):
            names = some[column].unique().tolist()
            store.upsert_nodes(label, pa.table({"id": names, "name": names}))
    connection = ladybug.Connection(ladybug.Database(str(graph)))
    start = _now()
    for row in some.itertuples():
        given = {"drug": row.drug, "line": row.cell_line, "ln_ic50": row.ln_ic50, "auc": row.auc}
        connection.execute(statement, given)
    seconds, processor = reading + (_now() - start) * (len(frame) / len(some))
    return Command(seconds, processor, math.nan)


def _now() -> npt.NDArray[np.float64]:
    """Seconds of the clock, and of this process on all cores."""
    return np.array([time.perf_counter(), time.process_time()])


def tables(folder: Path, ending: str, scale: float, turn: int) -> Iterator[Row]:
    """Load responses from Parquet or CSV, and merge some of them by hand."""
    n = max(1_000, round(RESPONSES * scale))
    place = folder / f"{ending}{turn}"
    place.mkdir()
    path = place / f"responses.{ending}"
    if ending == "parquet":
        parquet.write_table(responses(n, turn), path)
    else:
        csv.write_csv(responses(n, turn), path, AS_PANDAS)
    case = f"{n:,} responses, {ending}"
    yield _row(case, OURS, load(place), n, turn)
    note(f"{case}: {THEIRS}")
    yield _row(case, THEIRS, by_hand(path, place / "by-hand.lbug"), n, turn)


def load(place: Path) -> Command:
    """What it takes to load the tables of a folder into a new store in it."""
    url = f"ladybug://{place}/g.lbug"
    return command(["ingest", "tables", str(place), "--without-smiles", "--quiet", "--store", url])


def matrix(folder: Path, scale: float, turn: int) -> Iterator[Row]:
    """Load expression as DepMap has it."""
    side = scale**0.5
    n_lines, n_genes = max(30, round(LINES * side)), max(200, round(GENES * side))
    place = folder / f"matrix{turn}"
    place.mkdir()
    expression(place, n_lines, n_genes, turn)
    yield _row(f"expression, {n_lines:,} × {n_genes:,}", OURS, load(place), n_lines * n_genes, turn)


def curves(folder: Path, scale: float, turn: int) -> Iterator[Row]:
    """Fit curves to points."""
    n = max(100, round(CURVES * scale))
    path = folder / f"points{turn}.csv"
    points(path, n, turn)
    words = ["ingest", "curves", str(path), "--out", str(folder / f"fitted{turn}.csv")]
    yield _row(f"{n:,} curves of {POINTS} points", OURS, command(words), n, turn)


def check(folder: Path, scale: float, turn: int) -> Iterator[Row]:
    """Check a table until its bad row is printed."""
    n = max(10_000, round(CHECKED * scale))
    place = folder / f"check{turn}"
    place.mkdir()
    table = responses(n, turn)
    at = round(n * BAD_AT)
    bad = pa.table({"drug": ["Drug 0x"], "cell_line": ["bad line"], "ln_ic50": ["3.5 uM"], "auc": [""]})
    path = place / "responses.csv"
    with path.open("wb") as file:
        csv.write_csv(table.slice(0, at), file, AS_PANDAS)
        plain = csv.WriteOptions(include_header=False, quoting_style="none")
        csv.write_csv(bad, file, plain)
        csv.write_csv(table.slice(at), file, plain)
    words = ["ingest", "tables", str(place), "--without-smiles", "--check"]
    found = command(words, until=lambda line: f"row {at + 2:,}" in line or f"row {at + 2}" in line)
    case = f"check of {path.stat().st_size / 1e6:,.0f} MB, to its bad row"
    yield _row(case, OURS, found, at, turn)


def _row(case: str, implementation: str, found: Command, n: int, turn: int) -> Row:
    return Row(
        case=case, implementation=implementation, seconds=round(found.seconds, 3), rate=round(n / found.seconds),
        peak_mb=None if math.isnan(found.peak_mb) else round(found.peak_mb), processor=round(found.processor, 3),
        round=turn,
    )  # fmt: skip


CASES: dict[str, Callable[[Path, float, int], Iterator[Row]]] = {
    "parquet": lambda folder, scale, turn: tables(folder, "parquet", scale, turn),
    "csv": lambda folder, scale, turn: tables(folder, "csv", scale, turn),
    "matrix": matrix,
    "curves": curves,
    "check": check,
}


def medians(rows: list[Row]) -> list[dict[str, Any]]:
    """One row a case and implementation, with the median of the seconds and the rate and the highest peak; beside the
    rows of the other implementation how many times as much processor time as ours it takes."""
    found: list[dict[str, Any]] = []
    for case, implementation in dict.fromkeys((r["case"], r["implementation"]) for r in rows):
        of = [r for r in rows if (r["case"], r["implementation"]) == (case, implementation)]
        peaks = [r["peak_mb"] for r in of if r["peak_mb"] is not None]
        found.append(
            {"case": case, "implementation": implementation,
             "seconds": statistics.median(r["seconds"] for r in of),
             "processor": statistics.median(r["processor"] or 0 for r in of),
             "rate": statistics.median(r["rate"] for r in of),
             "peak_mb": max(peaks) if peaks else None, "rounds": len(of)}
        )  # fmt: skip
    ours = {r["case"]: r["processor"] for r in found if r["implementation"] == OURS}
    return [
        {
            **r,
            "times ours": round(r["processor"] / ours[r["case"]], 1) if r["implementation"] != OURS else None,
        }
        for r in found
    ]


def main(words: list[str] | None = None) -> None:
    """Run the rounds and print the medians; as JSON, every row."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--row", action="append", choices=list(CASES), help="only this one; repeatable")
    parser.add_argument("--format", type=Format, choices=list(Format), default=Format.table)
    options = parser.parse_args(words)
    if not 0 < options.scale <= 1:
        parser.error(f"--scale is {options.scale:g}; give more than 0 and at most 1")
    rows: list[Row] = []
    for turn in range(1, options.rounds + 1):
        for name in options.row or CASES:
            with tempfile.TemporaryDirectory() as folder:
                rows += CASES[name](Path(folder), options.scale, turn)
    print_rows(rows if options.format is Format.json else medians(rows), options.format)


if __name__ == "__main__":
    main()
