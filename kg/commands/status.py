"""`cli status`: what a store holds. The other commands on the graph stand in modules named after them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pharmagraph.kg.console import Format, print_rows

if TYPE_CHECKING:
    from pharmagraph.kg.store import GraphStore

Store = Annotated[
    str | None,
    typer.Option(
        "--store",
        envvar="PHARMAGRAPH_STORE",
        help="ladybug:///path/graph.lbug, bolt://host:7687 or neo4j+s://host; else pharmagraph.lbug here.",
        show_envvar=True,
    ),
]
FormatOption = Annotated[Format, typer.Option("--format", help="How rows are printed.")]
Wide = Annotated[
    bool, typer.Option("--wide", help="All columns on one line a row, however narrow the terminal is.")
]

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]


def status(store: Store = None, format: FormatOption = Format.table, wide: Wide = False) -> None:
    """What the store holds: counts, datasets, runs, schema version, health."""
    from pharmagraph.kg import history, run_register
    from pharmagraph.kg.health import health
    from pharmagraph.kg.store import open_store

    with open_store(store, read_only=True) as graph:
        counts = graph.counts()
        version = graph.schema_version()
        datasets = graph.node_rows(
            "Dataset", ["id", "version", "part_of", "ingested_at", "licence", "marked"]
        )
        columns = ("id", "preset", "split", "started_at", "promoted")
        runs = [{name: run[name] for name in columns} for run in run_register.runs(graph)]
        done = history.entries(graph) if runs else []
        gone = {
            row["id"]: (row["marked"], _pairs_gone(graph, row["id"])) for row in datasets if row["marked"]
        }
        for run in runs:
            run["graph"] = history.verdict(history.since(done, run["started_at"]))
        condition = health(graph, counts, datasets, runs)
        url = graph.url
    datasets = [{k: v for k, v in row.items() if k != "marked"} for row in datasets]
    if format is Format.table:
        print(f"{url}   schema {version}   {condition}")
        print_rows(
            [{"kind": k, "count": n} for k, n in counts.items() if n],
            title="Graph",
            empty="next: cli ingest gdsc",
        )
        print_rows(
            _to_the_minute(datasets, "ingested_at"),
            title="Datasets",
            wide=wide,
            empty="next: cli ingest gdsc",
        )
        if gone:
            # queries find what is marked as gone, and training leaves it out (docs/data.md)
            counted = [{"dataset": k, "pairs": pairs, "others": n - pairs} for k, (n, pairs) in gone.items()]
            print_rows(counted, title="Marked as gone", wide=wide)
        print_rows(_to_the_minute(runs, "started_at"), title="Runs", wide=wide, empty="next: cli train")
        return
    rows: list[dict[str, Any]] = [
        {"section": "store", "name": "url", "value": url},
        {"section": "store", "name": "schema", "value": version},
        {"section": "store", "name": "health", "value": condition},
        *({"section": "count", "name": k, "value": n} for k, n in counts.items()),
        *({"section": "dataset", "name": row["id"], "value": row["ingested_at"]} for row in datasets),
        *({"section": "gone", "name": name, "value": n} for name, (n, _) in gone.items()),
        *({"section": "gone pairs", "name": name, "value": n} for name, (_, n) in gone.items()),
        *({"section": "run", "name": row["id"], "value": row["started_at"]} for row in runs),
    ]
    print_rows(rows, format, columns=("section", "name", "value"))


def _pairs_gone(graph: GraphStore, dataset: str) -> int:
    """Number of a dataset's measured responses that are marked as gone."""
    cypher = (
        "MATCH (:Drug)-[t:TESTED_ON {dataset: $dataset}]->(:CellLine) "
        "WHERE t.gone IS NOT NULL RETURN count(t) AS n"
    )
    return int(graph.rows(cypher, {"dataset": dataset})[0]["n"])


def _to_the_minute(rows: list[dict[str, Any]], column: str) -> list[dict[str, Any]]:
    """The rows with a time as people read it: 2026-11-29 03:29."""
    return [row | {column: (row[column] or "")[:16].replace("T", " ")} for row in rows]
