"""Times loads, write-back, export, queries and bulk import on Neo4j, beside the usual statements, on one server.

python -m benchmarks.stores [--edges 1000000] [--rounds 3] [--cases new,attention,…] [--store bolt://…]
                            [--format table|json]

Without --store a server is started from the Maven artifact and removed afterwards. The case ``memory`` loads
--edges edges, and ten times as many, each in a process of its own that receives them block by block.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks import Row
from pharmagraph.kg.console import Format, print_rows
from pharmagraph.kg.neo4j import schema as neo4j_schema
from pharmagraph.kg.neo4j.local_server import LocalServer
from pharmagraph.kg.neo4j.sessions import PASSWORD, Connection, Credentials
from pharmagraph.kg.neo4j.store import Neo4jStore
from pharmagraph.kg.schema import Ends
from pharmagraph.kg.store import open_store

EXPRESSES: tuple[str, Ends] = ("EXPRESSES", ("CellLine", "Gene"))
GENES_A_CELL_LINE = 1000
N_GENES = 6000
PLAIN_BATCH = 10_000
CASES = ("new edges", "attention", "attention again", "export", "query", "bulk import", "memory")


# --- the graph --------------------------------------------------------------------------------------------


def cell_lines(n: int) -> list[str]:
    """Ids of cell lines."""
    return [f"CL{i:06}" for i in range(n)]


def genes() -> list[str]:
    """Ids of genes."""
    return [f"GENE{i:05}" for i in range(N_GENES)]


def block(first: int, n: int) -> pa.Table:
    """The edges of ``n`` cell lines in random order, as in a file."""
    generator = np.random.default_rng(first)
    names = np.array(genes())
    dst = np.concatenate([generator.choice(N_GENES, GENES_A_CELL_LINE, replace=False) for _ in range(n)])
    src = np.repeat(np.arange(first, first + n), GENES_A_CELL_LINE)
    order = generator.permutation(len(src))
    return pa.table(
        {
            "src": [f"CL{i:06}" for i in src[order]],
            "dst": names[dst[order]],
            "z": generator.normal(size=len(src)),
            "dataset": ["bench"] * len(src),
        }
    )


def nodes(store: Neo4jStore, n: int) -> None:
    """Insert the nodes at the ends of the edges."""
    store.create_schema()
    store.upsert_nodes("CellLine", pa.table({"id": cell_lines(n), "name": cell_lines(n)}))
    store.upsert_nodes("Gene", pa.table({"id": genes()}))


# --- the plain ways ---------------------------------------------------------------------------------------


def plain_merge(connection: Connection, table: pa.Table) -> None:
    """Insert edges as in a tutorial: UNWIND and MERGE, 10,000 rows per transaction."""
    text = (
        "UNWIND $rows AS row MATCH (a:CellLine {id: row.src}) MATCH (b:Gene {id: row.dst}) "
        "MERGE (a)-[e:EXPRESSES {dataset: row.dataset}]->(b) SET e.z = row.z"
    )
    _plain(connection, text, table)


def plain_set(connection: Connection, table: pa.Table) -> None:
    """Set a property of existing edges in the same way."""
    text = (
        "UNWIND $rows AS row MATCH (a:CellLine {id: row.src})-[e:EXPRESSES]->(b:Gene {id: row.dst}) "
        "SET e.attention = row.attention, e.attention_run = 'bench'"
    )
    _plain(connection, text, table)


def _plain(connection: Connection, text: str, table: pa.Table) -> None:
    for start in range(0, table.num_rows, PLAIN_BATCH):
        connection.change(text, rows=table.slice(start, PLAIN_BATCH).to_pylist())


def plain_export(connection: Connection) -> object:
    """Read one row per edge into a DGL graph."""
    import torch

    from pharmagraph.kg.heterograph.dgl import require_dgl

    dgl = require_dgl()

    text = "MATCH (a:CellLine)-[e:EXPRESSES]->(b:Gene) RETURN a.id, b.id, e.z, e.dataset"
    rows = connection.rows(text)
    places: list[dict[str, int]] = [{}, {}]
    ends = [[places[k].setdefault(r[k], len(places[k])) for r in rows] for k in (0, 1)]
    graph = dgl.heterograph(
        {("CellLine", "EXPRESSES", "Gene"): (torch.tensor(ends[0]), torch.tensor(ends[1]))}
    )
    graph.edata["z"] = torch.tensor([r[2] for r in rows])
    return graph


# --- the cases --------------------------------------------------------------------------------------------


def timed(case: str, implementation: str, turn: int, n_edges: int, work: Callable[[], object]) -> Row:
    """Time a function as one row; memory is measured in the case ``memory``."""
    start = time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    return Row(
        case=case,
        implementation=implementation,
        seconds=seconds,
        rate=n_edges / seconds,
        peak_mb=None,
        round=turn,
    )


def run(
    store: Neo4jStore, server: LocalServer | None, n_edges: int, rounds: int, cases: Sequence[str]
) -> list[Row]:
    """Run all cases; the two sides of a case follow each other on the same server."""
    from pharmagraph.kg.heterograph import export, to_dgl

    n = n_edges // GENES_A_CELL_LINE
    table = block(0, n)
    attention = table.select(["src", "dst"])
    rows: list[Row] = []
    connection = store.connection
    nodes(store, n)

    def clear() -> None:
        store.delete_edges(*EXPRESSES, equals={"dataset": "bench"})

    def add(case: str, implementation: str, turn: int, work: Callable[[], object]) -> None:
        rows.append(timed(case, implementation, turn, n_edges, work))
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)

    for turn in range(1, rounds + 1):
        generator = np.random.default_rng(turn)
        values = attention.append_column("attention", pa.array(generator.random(n_edges)))
        others = attention.append_column("attention", pa.array(generator.random(n_edges)))
        if {"new edges", "attention"} & set(cases):
            clear()
            add("new edges", "plain", turn, lambda: plain_merge(connection, table))
            if "attention" in cases:
                add("attention", "plain", turn, lambda values=values: plain_set(connection, values))
            clear()
        add("new edges", "ours", turn, lambda: store.upsert_edges(*EXPRESSES, table))
        if "attention" in cases:
            add(
                "attention",
                "ours",
                turn,
                lambda values=values: store.set_attention(*EXPRESSES, values, "bench"),
            )
        if "attention again" in cases:
            if "attention" not in cases:
                store.set_attention(*EXPRESSES, values, "bench")
            add(
                "attention again",
                "ours",
                turn,
                lambda others=others: store.set_attention(*EXPRESSES, others, "other"),
            )
        if "export" in cases:
            add("export", "plain", turn, lambda: plain_export(connection))
            add("export", "ours", turn, lambda: to_dgl(export(store)))
    if "query" in cases:
        rows += _query(store, table)
    if "bulk import" in cases and server is not None:
        rows += _bulk(store, n_edges)
    return rows


def _query(store: Neo4jStore, table: pa.Table) -> list[Row]:
    """Time a query on a promoted run with one ATTENDS edge for each edge of the table, its cell lines renamed to
    drugs."""
    from pharmagraph.cypher import catalogue

    drugs = pc.replace_substring(table["src"], "CL", "DRUG")
    ids = pc.unique(drugs)
    store.upsert_nodes("Drug", pa.table({"id": ids, "name": ids}))
    n = table.num_rows
    attends = pa.table(
        {"src": drugs, "dst": table["dst"], "run_id": ["bench"] * n, "objective": ["target"] * n}
    )
    weights = np.random.default_rng(0).random(n)
    attends = attends.append_column("weight", pa.array(weights)).append_column(
        "excess", pa.array(weights * 2)
    )
    attends = attends.append_column("rank", pa.array(np.arange(n) % GENES_A_CELL_LINE + 1))
    attends = attends.append_column("percentile", pa.array(weights * 100))
    store.upsert_edges("ATTENDS", ("Drug", "Gene"), attends)
    store.upsert_nodes(
        "Run", pa.table({"id": ["bench"], "preset": ["fast"], "status": ["complete"], "promoted": [True]})
    )
    text = catalogue.catalogue()["top-genes"].text
    asked = np.random.default_rng(1).choice(ids.to_pylist(), 200).tolist()
    for drug in asked[:20]:
        store.query(text, {"drug": drug, "run": "bench", "limit": 20})
    seconds = []
    for drug in asked:
        start = time.perf_counter()
        found = store.query(text, {"drug": drug, "run": "bench", "limit": 20})
        seconds.append(time.perf_counter() - start)
        assert found.num_rows == 20
    median = statistics.median(seconds)
    store.delete_nodes("Run", ["bench"])
    store.delete_nodes("Drug", ids.to_pylist())
    return [Row(case="query", implementation="ours", seconds=median, rate=1 / median, peak_mb=None, round=1)]


def _bulk(store: Neo4jStore, n_edges: int) -> list[Row]:
    """Write the files, and import them with neo4j-admin into another server."""
    from pharmagraph.kg.neo4j.bulk_import import export

    with tempfile.TemporaryDirectory() as folder:
        target = LocalServer(Path(folder).resolve() / "server")
        begin = time.perf_counter()
        files = export(store, Path(folder) / "files")
        middle = time.perf_counter()
        done = target.admin(files.arguments)
        seconds = time.perf_counter() - middle
        if done.returncode:
            raise SystemExit(f"neo4j-admin failed: {done.stderr[-500:]}")
    names = (("export of files", middle - begin), ("neo4j-admin", seconds))
    return [
        Row(case="bulk import", implementation=name, seconds=s, rate=n_edges / s, peak_mb=None, round=1)
        for name, s in names
    ]


def memory(url: str, n_edges: int) -> Row:
    """Load edges block by block in this process; the peak memory is above that before the load."""
    from benchmarks.measure import _Peak

    n, at_once = n_edges // GENES_A_CELL_LINE, 200
    with Neo4jStore(url) as store:
        nodes(store, n)
        store.upsert_edges(*EXPRESSES, block(n - 1, 1))
        start = time.perf_counter()
        with _Peak() as peak:
            for first in range(0, n, at_once):
                store.upsert_edges(*EXPRESSES, block(first, min(at_once, n - first)))
        seconds = time.perf_counter() - start
    case = f"memory, {n_edges:,} edges"
    return Row(
        case=case,
        implementation="ours",
        seconds=seconds,
        rate=n_edges / seconds,
        peak_mb=peak.megabytes,
        round=1,
    )


@contextmanager
def server_of_our_own() -> Iterator[LocalServer]:
    """A server from the Maven artifact, in a temporary folder, with its password in the environment."""
    import socket

    with tempfile.TemporaryDirectory(prefix="pharmagraph-bench-") as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        server = LocalServer(Path(folder).resolve(), bolt_port=port, http_port=None)
        os.environ[PASSWORD] = secrets.token_urlsafe(16)
        server.start(Credentials("neo4j", os.environ[PASSWORD]))
        try:
            yield server
        finally:
            server.stop()


def summary(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Medians over rounds."""
    table = []
    for case, implementation in dict.fromkeys((r["case"], r["implementation"]) for r in rows):
        chosen = [r for r in rows if (r["case"], r["implementation"]) == (case, implementation)]
        table.append(
            {
                "case": case,
                "implementation": implementation,
                "seconds": statistics.median(r["seconds"] for r in chosen),
                "rate": statistics.median(r["rate"] for r in chosen),
                "peak_mb": chosen[0]["peak_mb"],
                "rounds": len(chosen),
            }
        )
    return table


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--edges", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--store", help="an empty database; a server of our own unless given")
    parser.add_argument("--format", choices=["table", "json"], default="table")
    parser.add_argument("--memory-worker", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.memory_worker:
        print(json.dumps(memory(chosen.store, chosen.memory_worker)))
        return
    cases = chosen.cases.split(",")
    if chosen.store:
        rows = _all(chosen.store, None, chosen.edges, chosen.rounds, cases)
    else:
        with server_of_our_own() as server:
            rows = _all(server.url, server, chosen.edges, chosen.rounds, cases)
    if chosen.format == "json":
        print_rows(rows, Format.json)
    else:
        print_rows(summary(rows), title=f"{chosen.edges:,} edges CellLine→Gene")


def _all(url: str, server: LocalServer | None, n_edges: int, rounds: int, cases: Sequence[str]) -> list[Row]:
    rows: list[Row] = []
    with open_store(url) as store:
        assert isinstance(store, Neo4jStore)
        if store.schema_version() is not None:
            raise SystemExit(
                f"{url} holds a graph already, which the benchmark would drop; give an empty database"
            )
        if set(cases) - {"memory"}:
            rows += run(store, server, n_edges, rounds, cases)
            neo4j_schema.drop(store.connection)
    for factor in (1, 10) if "memory" in cases else ():
        command = [
            sys.executable,
            "-m",
            "benchmarks.stores",
            "--store",
            url,
            "--memory-worker",
            str(factor * n_edges),
        ]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"the memory case failed: {done.stderr.strip()[-500:]}")
        rows.append(json.loads(done.stdout.splitlines()[-1]))
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
        if factor == 1 or server is None:  # a server that the benchmark started is removed with its data
            with Neo4jStore(url) as store:
                neo4j_schema.drop(store.connection)
    return rows


if __name__ == "__main__":
    main()
