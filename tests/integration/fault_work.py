"""The two jobs of the fault tests, in a process of their own that does one at each line on standard input.

Run as ``python -m tests.integration.fault_work URL FOLDER``; answers ``done`` or ``error: …`` a line.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa

from kg import runs
from kg.errors import InputError, PharmagraphError
from kg.schema import Ends
from kg.store import GraphStore, open_store

N_DRUGS, N_CELL_LINES, N_GENES, GENES_A_CELL_LINE = 30, 60, 400, 300
EDGES: dict[str, tuple[str, Ends]] = {
    "expresses": ("EXPRESSES", ("CellLine", "Gene")),
    "tested": ("TESTED_ON", ("Drug", "CellLine")),
}
RUN = "r1"


def ids(prefix: str, n: int) -> list[str]:
    """``n`` ids in sorted order."""
    return [f"{prefix}{i:04}" for i in range(n)]


def ingest(store: GraphStore) -> None:
    """Nodes, 18,000 EXPRESSES and 1,800 TESTED_ON edges."""
    store.create_schema()
    drugs, cell_lines, genes = ids("D", N_DRUGS), ids("C", N_CELL_LINES), ids("G", N_GENES)
    store.upsert_nodes("Drug", pa.table({"id": drugs, "name": drugs}))
    store.upsert_nodes("CellLine", pa.table({"id": cell_lines, "name": cell_lines}))
    store.upsert_nodes("Gene", pa.table({"id": genes}))
    store.upsert_edges(*EDGES["expresses"], expression())
    generator = np.random.default_rng(1)
    n = N_DRUGS * N_CELL_LINES
    tested = {"src": np.repeat(drugs, N_CELL_LINES), "dst": np.tile(cell_lines, N_DRUGS)}
    store.upsert_edges(
        *EDGES["tested"], pa.table({**tested, "ln_ic50": generator.normal(size=n), "dataset": ["made"] * n})
    )


def expression() -> pa.Table:
    """The EXPRESSES edges."""
    generator = np.random.default_rng(0)
    chosen = [generator.choice(N_GENES, GENES_A_CELL_LINE, replace=False) for _ in range(N_CELL_LINES)]
    n = N_CELL_LINES * GENES_A_CELL_LINE
    return pa.table(
        {
            "src": np.repeat(ids("C", N_CELL_LINES), GENES_A_CELL_LINE),
            "dst": np.array(ids("G", N_GENES))[np.concatenate(chosen)],
            "z": generator.normal(size=n),
            "dataset": ["made"] * n,
        }
    )


def write_back(store: GraphStore, folder: Path) -> None:
    """A run with attention on the expression edges, promoted."""
    table = expression()
    attention = table.select(["src", "dst"])
    attention = attention.append_column("weight", pa.array(np.full(len(table), 1 / GENES_A_CELL_LINE)))
    attention = attention.append_column("competitors", pa.array([GENES_A_CELL_LINE] * len(table), pa.int64()))
    predictions = pa.table({"src": ["D0000"], "dst": ["C0000"], "probability": [0.5]})
    try:
        runs.register(
            store,
            {"id": RUN, "preset": "fast"},
            {("CellLine", "Gene"): attention},
            predictions,
            folder=folder,
        )
    except InputError as error:  # it was whole, and the answer was lost
        if "in the store already" not in str(error):
            raise
    runs.promote(store, RUN)


def main() -> None:
    url, folder = sys.argv[1], Path(sys.argv[2])
    print("ready", flush=True)
    for job in map(str.strip, sys.stdin):
        try:
            with open_store(url) as store:
                ingest(store) if job == "ingest" else write_back(store, folder)
            print("done", flush=True)
        except PharmagraphError as error:
            print(f"error: {error}", flush=True)


if __name__ == "__main__":
    main()
