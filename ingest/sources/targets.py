"""Reads known targets of the graph's drugs from the project's own table or from a file with columns drug and gene."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pyarrow as pa

from pharmagraph.ingest import assemble
from pharmagraph.ingest.bundle import Bundle, DatasetCard
from pharmagraph.ingest.downloads import checksum
from pharmagraph.ingest.known import Known
from pharmagraph.ingest.longform import read_long
from pharmagraph.ingest.names import unmatched_note
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.kg.errors import AmbiguousNameError, InputError
from pharmagraph.kg.reading.text import shown, stem

CURATED = "curated-targets"


def read(
    path: Path | None,
    known: Known,
    rejections: Rejections,
    *,
    name: str | None = None,
    new_genes: bool = False,
) -> Bundle:
    """Read targets into a bundle.

    Parameters
    ----------
    path
        A table with columns drug and gene, and optionally action, source and evidence; if None, the project's table.
    known
        Nodes of the graph; rows of other drugs are left out and reported by name.
    rejections
        Collects bad rows.
    name
        Id of the dataset; by default the file's name.
    new_genes
        Add genes that the graph lacks; the project's table always adds them.

    Raises
    ------
    InputError
        If the file lacks a column, or names no drug of the graph.
    RowError
        At the first bad row, unless rows are being rejected.
    """
    if path is None:
        with resources.as_file(
            resources.files("pharmagraph.ingest.sources").joinpath("curated_targets.csv")
        ) as own:
            return _read(
                own,
                known,
                rejections,
                CURATED,
                True,
                "pharmagraph: written from public knowledge",
                "Apache-2.0",
            )
    return _read(path, known, rejections, name or stem(path), new_genes, path.name, None)


def _read(
    path: Path,
    known: Known,
    rejections: Rejections,
    name: str,
    new_genes: bool,
    source: str,
    licence: str | None,
) -> Bundle:
    edges: dict[tuple[str, str], dict[str, str | None]] = {}
    lines: dict[tuple[str, str], int] = {}
    unmatched: list[str] = []
    rows = read_long(path, "targets", rejections, kind="TARGETS")
    for row in rows:
        try:
            drug = known.drugs.find(row["drug"])
        except AmbiguousNameError as error:
            rejections.bad("TARGETS", shown(path), row.line, "drug", row["drug"], error.expected)
            continue
        if drug is None:
            unmatched.append(row["drug"])
            continue
        gene = known.gene(
            row["gene"],
            rejections,
            kind="TARGETS",
            file=shown(path),
            line=row.line,
            column="gene",
            new_genes=new_genes,
        )
        if gene is None:
            continue
        properties = {p: row[p] for p in ("source", "action", "evidence")}
        if (drug, gene) not in edges:
            edges[drug, gene], lines[drug, gene] = properties, row.line
        elif edges[drug, gene] != properties:
            # A drug with two names may have the same target twice; only rows that contradict each other are an error.
            rejections.bad(
                "TARGETS",
                shown(path),
                row.line,
                "gene",
                gene,
                f"is a target of {row['drug']} with other properties than in row {lines[drug, gene]}; keep one",
            )
    if not edges and unmatched:
        raise InputError(
            f"{shown(path)} names no drug of the graph ({unmatched[0]}, …); load its screen first"
        )
    pairs = sorted(edges)
    text = {
        p: pa.array([edges[pair][p] for pair in pairs], pa.string()) for p in ("source", "action", "evidence")
    }
    table = assemble.edge_table(
        pa.array([p[0] for p in pairs], pa.string()),
        pa.array([p[1] for p in pairs], pa.string()),
        {**text, "dataset": name},
    )
    new = sorted({gene for _, gene in pairs} - known.genes)
    notes = (
        *unmatched_note("drugs", unmatched, "are not in the graph"),
        *unmatched_note("genes", new, "are new to the graph"),
        *rows.notes,
    )
    nodes = {"Gene": assemble.node_table("Gene", {"id": sorted({gene for _, gene in pairs})})}
    card = DatasetCard(name, source, licence=licence, sha256=checksum(path))
    return Bundle(
        name, (card,), nodes, {("TARGETS", ("Drug", "Gene")): table}, tuple(rejections.rejected), notes
    )
