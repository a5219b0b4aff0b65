"""The first page: what is in the graph, its data sets with their terms, and its runs."""

from __future__ import annotations

from dash import dcc, html

from pharmagraph.explorer.addresses import address, page_of
from pharmagraph.explorer.asking import Answer, Asked
from pharmagraph.explorer.page import Page, definitions, section
from pharmagraph.explorer.pages.runs import brief
from pharmagraph.explorer.tables import table
from pharmagraph.kg import run_register
from pharmagraph.kg.health import health
from pharmagraph.kg.kept import kept

NODES = ("Drug", "Gene", "CellLine", "Pathway")
LIMIT = 10
COUNTS_KEPT = 20.0
"""Seconds for which the numbers of nodes and edges are kept: a large graph on a server takes a second to count."""


def page(asked: Asked) -> Page:
    """What is in the graph."""
    runs = run_register.runs(asked.graph)
    known = " ".join(sorted(row["id"] for row in runs))
    counts = kept(asked.graph, f"counts {known}", asked.graph.counts, seconds=COUNTS_KEPT)
    datasets = asked.graph.node_rows(
        "Dataset", ["id", "version", "part_of", "ingested_at", "licence", "citation"]
    )
    for row in datasets:
        row["ingested_at"] = (row["ingested_at"] or "")[:16].replace("T", " ")
    kinds = [{"kind": kind, "count": n} for kind, n in counts.items() if n]
    body = [
        html.P(
            [
                "Type a drug, gene, cell line, tissue or pathway above: a name, an alias or an id, typing errors too."
            ],
            className="lead",
        ),
        html.Ul(
            [html.Li([html.Strong(f"{counts[kind]:,}"), f" {_plural(kind)}"]) for kind in NODES]
            + [html.Li([html.Strong(f"{counts['Drug-TESTED_ON-CellLine']:,}"), " measured responses"])],
            className="counts",
        ),
        definitions(
            [
                ("store", asked.graph.url),
                ("schema", asked.graph.schema_version()),
                ("state", health(asked.graph, counts, datasets, runs)),
            ]
        ),
    ]
    if asked.run is not None:
        found = asked.named("strongest-biomarkers", limit=LIMIT)
        body.append(
            section(
                "Genes that decide the response to a drug",
                table(found, "The gene that decides most of a drug's response", file="strongest-biomarkers"),
                note="Association within this screen, not cause. An effect above 0 makes a cell line more sensitive.",
            )
        )
    if runs:
        body.append(
            section("Runs", brief(runs), html.P(dcc.Link("All about the runs", href=address("runs"))))
        )
    body += [
        section(
            "Data sets",
            table(
                Answer(list(datasets[0]) if datasets else [], datasets),
                "Data sets and their terms of use",
                file="data-sets",
            ),
        ),
        section(
            "Tissues",
            table(asked.tissues, "Cell lines and measured responses of each tissue", file="tissues"),
        ),
        section(
            "Everything in the graph",
            table(Answer(["kind", "count"], kinds), "Nodes and edges of each kind", file="graph"),
        ),
    ]
    example = next(
        iter(
            asked.graph.rows(
                "MATCH (d:Drug)-[:TESTED_ON]->(:CellLine) RETURN d.id AS id, d.name AS name LIMIT 1"
            )
        ),
        None,
    )
    if example:
        body.insert(
            1, html.P(["For example ", dcc.Link(example["name"], href=page_of("Drug", example["id"])), "."])
        )
    return Page("What is in the graph", body)


def _plural(kind: str) -> str:
    return {"Drug": "drugs", "Gene": "genes", "CellLine": "cell lines", "Pathway": "pathways"}[kind]
