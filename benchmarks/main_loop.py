"""Times the main loop on the whole of GDSC1: load, load again, export, epochs, write back attention, all named queries.

    python -m benchmarks.main_loop [--rounds N] [--share S] [--format table|json]

Each case is work for which a user waits. `ingest` rows are whole commands in processes of their own. Queries run in one
process that opens the store again. The other rows call the functions behind the commands. A row is
{case, implementation, seconds, rate, peak_mb, round}.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.measure import command as whole
from pharmagraph.kg.console import Format, note, print_rows

QUERY_REPETITIONS = 20


def row(
    case: str, seconds: float, round_: int, *, rate: float | None = None, peak: float | None = None
) -> dict[str, Any]:
    """One row of the benchmark."""
    return {"case": case, "implementation": "pharmagraph", "seconds": round(seconds, 4),
            "rate": rate, "peak_mb": peak, "round": round_}  # fmt: skip


def command(case: str, round_: int, *words: str) -> dict[str, Any]:
    """Time a whole `cli` command."""
    seconds, peak = whole(words)
    return row(case, seconds, round_, peak=round(peak))


def timed(case: str, round_: int, work: Callable[[], Any]) -> tuple[dict[str, Any], Any]:
    """Time a call in this process."""
    note(case)
    start = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - start
    return row(
        case, seconds, round_, peak=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6)
    ), result


def queries(url: str, round_: int) -> list[dict[str, Any]]:
    """Median and worst time of every named query, with parameters that have an answer; the first run on a cold
    store."""
    from pharmagraph.kg.store import open_store

    with open_store(url) as store:
        return [row for query in _queries(store, round_) for row in query]


def _queries(store: Any, round_: int) -> Iterator[list[dict[str, Any]]]:
    from pharmagraph.cypher import catalogue
    from pharmagraph.kg import runs

    run = runs.find(store)["id"]
    first = catalogue.run(store, "strongest-links", {"limit": "2"}).to_pylist()
    tissue = catalogue.run(store, "tissues", {})["tissue"][0].as_py()
    cell_line = store.read_nodes("CellLine", ["id"])["id"][0].as_py()
    by_type = {
        "drug": first[0]["drug"],
        "gene": first[0]["gene"],
        "cell_line": cell_line,
        "run": run,
        "string": tissue,
    }
    for query in catalogue.catalogue().values():
        given = {p.name: by_type[p.type] for p in query.parameters if p.type in by_type}
        seconds = []
        for _ in range(QUERY_REPETITIONS):
            start = time.perf_counter()
            catalogue.run(store, query.name, given)
            seconds.append(time.perf_counter() - start)
        yield [
            row(f"query {query.name}, median", sorted(seconds)[len(seconds) // 2], round_),
            row(f"query {query.name}, worst", max(seconds), round_),
        ]


def measure(folder: Path, share: float, round_: int) -> Iterator[dict[str, Any]]:
    """Run one round in a new store."""
    from pharmagraph.kg import runs
    from pharmagraph.kg.heterograph import export
    from pharmagraph.kg.store import open_store
    from pharmagraph.model.presets.config import load_preset
    from pharmagraph.model.runs.trained import train

    url = f"ladybug://{folder}/round{round_}.lbug"
    gdsc = ("ingest", "gdsc", "--share", str(share), "--store", url, "--quiet")
    yield command("ingest gdsc, empty store", round_, *gdsc)
    yield command("ingest gdsc, nothing to change", round_, *gdsc)
    yield command("ingest targets", round_, "ingest", "targets", "--store", url, "--quiet")
    with open_store(url) as store:
        exported, heterograph = timed("store → heterograph", round_, lambda: export(store))
        edges = sum(map(len, heterograph.relations.values()))
        yield {**exported, "rate": round(edges / exported["seconds"])}

        epochs: list[float] = []
        config = load_preset("default", training={"members": 1, "epochs": 5})

        def report(member: int, epoch: int, validation: float | None) -> None:
            epochs.append(time.perf_counter())

        trained_row, trained = timed(
            "train default, one member of 5 epochs, register", round_,
            lambda: train(store, config, folder=folder / "runs", datasets=["GDSC1"], report=report),
        )  # fmt: skip
        yield trained_row
        marks = sorted(set(epochs))
        between = [b - a for a, b in itertools.pairwise(marks)]
        if between:
            yield row("one epoch of default", sorted(between)[len(between) // 2], round_)
        expresses = store.read_edges("EXPRESSES", ("CellLine", "Gene"), ["src", "dst"])
        made_up = expresses.append_column("attention", pa.array(np.full(len(expresses), 1 / len(expresses))))
        every, n_set = timed(
            "attention onto every EXPRESSES edge", round_,
            lambda: store.set_attention("EXPRESSES", ("CellLine", "Gene"), made_up, trained.run_id),
        )  # fmt: skip
        yield {**every, "rate": round(n_set / every["seconds"])}
        promoted, written = timed(
            "attention of the run back (promote)", round_, lambda: runs.promote(store, trained.run_id)
        )
        yield {**promoted, "rate": round(sum(written.values()) / promoted["seconds"])}
    # in a new process, as with `cli query`: in this one the garbage collector traverses what training left
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        yield from process.submit(queries, url, round_).result()


def main() -> None:
    """Run the rounds and print the rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--share", type=float, default=0.2, help="share of the genes kept a cell line")
    parser.add_argument("--format", type=Format, choices=list(Format), default=Format.table)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = [r for n in range(options.rounds) for r in measure(Path(folder), options.share, n)]
    print_rows(rows, options.format)


if __name__ == "__main__":
    main()
