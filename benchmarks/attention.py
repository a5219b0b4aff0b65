"""Times writing the attention of 2 M drug–gene pairs into the embedded store: all of them, and those that a run keeps.

    python -m benchmarks.attention [--rounds N] [--drugs 400] [--genes 5000] [--format table|json]

A row is {case, implementation, seconds, rate, peak_mb, round}; the rate is in pairs per second.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks import Row
from pharmagraph.kg import runs
from pharmagraph.kg.console import Format, print_rows
from pharmagraph.kg.store import open_store


def pairs(n_drugs: int, n_genes: int, seed: int) -> pa.Table:
    """An attention table of every pair, in the form that a run makes."""
    random = np.random.default_rng(seed)
    weight = random.dirichlet(np.full(n_genes, 0.05), n_drugs)
    ends = {"src": np.repeat(np.arange(n_drugs), n_genes), "dst": np.tile(np.arange(n_genes), n_drugs)}
    names = {"src": [f"DRUG{i:04}" for i in range(n_drugs)], "dst": [f"GENE{i:05}" for i in range(n_genes)]}
    n = n_drugs * n_genes
    return pa.table(
        {
            end: pa.DictionaryArray.from_arrays(pa.array(ends[end].astype(np.int32)), names[end])
            for end in ends
        }
        | {"weight": weight.ravel(), "competitors": np.full(n, n_genes)}
        | {"spread": random.random(n) / n_genes, "stability": np.repeat(random.random(n_drugs), n_genes)}
    )


def measure(folder: Path, n_drugs: int, n_genes: int, turn: int) -> Iterator[Row]:
    """Register a run with every pair, and one with the pairs that a run keeps."""
    table = pairs(n_drugs, n_genes, turn)
    ids = [table[end].chunk(0).dictionary for end in ("src", "dst")]
    with open_store(f"ladybug://{folder}/attention{turn}.lbug") as store:
        store.create_schema()
        store.upsert_nodes("Drug", pa.table({"id": ids[0], "name": ids[0]}))
        store.upsert_nodes("Gene", pa.table({"id": ids[1]}))
        known = pa.table({"src": ids[0], "dst": ids[1].slice(0, n_drugs), "dataset": ["known"] * n_drugs})
        store.upsert_edges("TARGETS", ("Drug", "Gene"), known)
        nothing = pa.table({"src": pa.array([], pa.string()), "dst": pa.array([], pa.string())})
        for case, top_k in (("all scores written", n_genes), ("a drug's first kept", runs.TOP_K)):
            start = time.perf_counter()
            run = {"id": f"{case} {turn}", "preset": "default"}
            runs.register(store, run, {("Drug", "Gene"): table}, nothing, folder=folder / case, top_k=top_k)
            seconds = time.perf_counter() - start
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
            yield Row(
                case=f"{table.num_rows:,} pairs, {case}", implementation="pharmagraph", seconds=seconds,
                rate=table.num_rows / seconds, peak_mb=peak, round=turn,
            )  # fmt: skip
        start = time.perf_counter()
        runs.promote(store, f"{case} {turn}")
        seconds = time.perf_counter() - start
        yield Row(
            case="promoted", implementation="pharmagraph", seconds=seconds, rate=n_drugs / seconds,
            peak_mb=None, round=turn,
        )  # fmt: skip


def main() -> None:
    """Run the rounds and print the rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--drugs", type=int, default=400)
    parser.add_argument("--genes", type=int, default=5000)
    parser.add_argument("--format", type=Format, choices=list(Format), default=Format.table)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = [
            r
            for n in range(options.rounds)
            for r in measure(Path(folder), options.drugs, options.genes, n + 1)
        ]
    print_rows(rows, options.format)


if __name__ == "__main__":
    main()
