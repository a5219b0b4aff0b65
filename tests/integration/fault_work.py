"""The two jobs of the fault tests, each of which runs in a process of its own.

They work side by side on one graph: each has nodes and edges of its own, told apart by the dataset and by the ids'
first letters.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow as pa

from pharmagraph.kg import runs
from pharmagraph.kg.errors import InputError, PharmagraphError
from pharmagraph.kg.neo4j.sessions import PASSWORD, USERNAME, Credentials
from pharmagraph.kg.schema import Ends
from pharmagraph.kg.store import GraphStore, open_store

INGEST, WRITE_BACK = JOBS = ("ingest", "write-back")
EXPRESSES: tuple[str, Ends] = ("EXPRESSES", ("CellLine", "Gene"))
TESTED_ON: tuple[str, Ends] = ("TESTED_ON", ("Drug", "CellLine"))
ATTENDS: tuple[str, Ends] = ("ATTENDS", ("CellLine", "Gene"))
PREDICTED: tuple[str, Ends] = ("PREDICTED", ("Drug", "CellLine"))
N_DRUGS, N_CELL_LINES, N_GENES, GENES_A_CELL_LINE = 30, 60, 400, 300
RUN = "r1"


def ids(job: str, kind: str, n: int) -> list[str]:
    """``n`` ids in sorted order."""
    return [f"{job}-{kind}-{i:04}" for i in range(n)]


def ingest(store: GraphStore, job: str = INGEST) -> None:
    """Nodes, 18,000 EXPRESSES and 1,800 TESTED_ON edges for a job."""
    store.create_schema()
    drugs, cell_lines = ids(job, "drug", N_DRUGS), ids(job, "cell", N_CELL_LINES)
    store.upsert_nodes("Drug", pa.table({"id": drugs, "name": drugs}))
    store.upsert_nodes("CellLine", pa.table({"id": cell_lines, "name": cell_lines}))
    store.upsert_nodes("Gene", pa.table({"id": ids(job, "gene", N_GENES)}))
    store.upsert_edges(*EXPRESSES, expression(job))
    generator = np.random.default_rng(1)
    n = N_DRUGS * N_CELL_LINES
    tested = {"src": np.repeat(drugs, N_CELL_LINES), "dst": np.tile(cell_lines, N_DRUGS)}
    store.upsert_edges(
        *TESTED_ON, pa.table({**tested, "ln_ic50": generator.normal(size=n), "dataset": [job] * n})
    )


def expression(job: str) -> pa.Table:
    """The EXPRESSES edges of a job."""
    generator = np.random.default_rng(0)
    chosen = [generator.choice(N_GENES, GENES_A_CELL_LINE, replace=False) for _ in range(N_CELL_LINES)]
    n = N_CELL_LINES * GENES_A_CELL_LINE
    return pa.table(
        {
            "src": np.repeat(ids(job, "cell", N_CELL_LINES), GENES_A_CELL_LINE),
            "dst": np.array(ids(job, "gene", N_GENES))[np.concatenate(chosen)],
            "z": generator.normal(size=n),
            "dataset": [job] * n,
        }
    )


def write_back(store: GraphStore, folder: Path) -> None:
    """A run with attention on its expression edges, promoted."""
    attention = expression(WRITE_BACK).select(["src", "dst"])
    n = attention.num_rows
    attention = attention.append_column("weight", pa.array(np.full(n, 1 / GENES_A_CELL_LINE)))
    attention = attention.append_column("competitors", pa.array([GENES_A_CELL_LINE] * n, pa.int64()))
    drugs, cell_lines = ids(WRITE_BACK, "drug", N_DRUGS), ids(WRITE_BACK, "cell", N_DRUGS)
    predictions = pa.table({"src": drugs, "dst": cell_lines, "probability": [0.5] * N_DRUGS})
    try:
        runs.register(
            store, {"id": RUN, "preset": "fast"}, {ATTENDS[1]: attention}, predictions, folder=folder
        )
    except InputError as error:  # it was whole, and the answer was lost
        if "in the store already" not in str(error):
            raise
    runs.promote(store, RUN)


def do(job: str, url: str, login: Credentials, folder: Path) -> None:
    """A job as a command does it: open, work, close; exit code 1 after an error of ours."""
    os.environ.update({USERNAME: login.username, PASSWORD: login.password})
    try:
        with open_store(url) as store:
            ingest(store) if job == INGEST else write_back(store, folder)
    except PharmagraphError as error:
        raise SystemExit(f"error: {error}") from None
