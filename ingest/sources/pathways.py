"""Reads pathways and their genes from a GMT file, in which a line is a set, or from WikiPathways' GPML."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa

from pharmagraph.ingest import assemble
from pharmagraph.ingest.bundle import Bundle, DatasetCard
from pharmagraph.ingest.contracts import fault_of_name
from pharmagraph.ingest.downloads import checksum
from pharmagraph.ingest.gene_words import Symbols, fault, other_kind
from pharmagraph.ingest.known import Known
from pharmagraph.ingest.names import unmatched_note
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.sources import gpml
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.reading.gmt import NO_SET, gene_sets
from pharmagraph.kg.reading.text import shown, stem

_SOURCE = re.compile(r"^(.+?) \((.+)\)$")  # reactome (CC BY 4.0)


def read(path: Path, known: Known, rejections: Rejections, *, name: str | None = None) -> Bundle:
    """Read pathways into a bundle.

    Parameters
    ----------
    path
        GMT; or GPML of WikiPathways, a file or a folder of them. In GMT, a name ``ID:name`` is split in two, and so is
        a description ``source (licence)``. An accession such as ``GO:0006915`` is whole, and the description is its
        title.
    known
        Nodes of the graph; other genes are left out and counted, and so are sets without a gene of the graph.
    rejections
        Collects lines that are not a gene set.
    name
        Id of the dataset; by default the file's name.

    Raises
    ------
    InputError
        If no set has a gene of the graph.
    RowError
        At the first bad line, unless rows are being rejected.
    """
    name = name or stem(path)
    pathways: dict[str, tuple[str, str | None, str | None]] = {}
    lines: dict[str, int] = {}
    members: list[tuple[str, str]] = []
    unmatched: set[str] = set()
    symbols = Symbols()
    drawings = gpml.files(path)
    for one in gpml.gene_sets(drawings, known) if drawings else gene_sets(path):
        if not one.is_one:
            rejections.bad("Pathway", shown(path), one.line, None, one.written, NO_SET)
            continue
        if reason := fault_of_name(one.id) or fault_of_name(one.title):
            rejections.bad("Pathway", shown(path), one.line, None, one.written, reason)
            continue
        inside, missing = known.genes_of(sorted(one.genes))
        named = [g for g in one.genes if g in missing]
        others = {g for g in named if other_kind(g)}
        wrong = next(((g, reason) for g in sorted(named) if g not in others and (reason := fault(g))), None)
        if wrong is not None and not drawings:  # labels of a drawing are words for people
            rejections.bad("MEMBER_OF", shown(path), one.line, None, *wrong)
            continue
        if one.id in lines:
            before = lines[one.id]
            rejections.bad(
                "Pathway", shown(path), one.line, None, one.id, f"is already in row {before}; keep one"
            )
            continue
        lines[one.id] = one.line
        for gene in sorted(others) if not drawings else ():
            symbols.accept(gene, rejections, "MEMBER_OF", shown(path), one.line, None)
        unmatched |= missing - others
        if inside:
            described = _SOURCE.match(one.description)
            source, licence = described.groups() if described else (one.description or None, None)
            pathways[one.id] = (one.title, source, licence)
            members += [(g, one.id) for g in dict.fromkeys(inside)]
    if not members:
        raise InputError(f"{shown(path)} has no gene of the graph; load a screen first: cli ingest gdsc")
    ids = sorted(pathways)
    nodes = {
        "Pathway": assemble.node_table(
            "Pathway",
            {
                "id": ids,
                "name": [pathways[i][0] for i in ids],
                "source": [pathways[i][1] for i in ids],
                "licence": [pathways[i][2] for i in ids],
            },
        )
    }
    table = assemble.edge_table(
        pa.array([m[0] for m in members], pa.string()),
        pa.array([m[1] for m in members], pa.string()),
        {"dataset": name},
    )
    empty = len(lines) - len(ids)
    notes = (
        *unmatched_note("genes", sorted(unmatched), "are not in the graph"),
        *symbols.notes(shown(path)),
        *((f"{empty:,} sets have no gene of the graph and are left out",) if empty else ()),
    )
    licences = ", ".join(sorted({p[2] for p in pathways.values() if p[2]})) or None
    card = DatasetCard(name, path.name, licence=licences, sha256=checksum(path) if path.is_file() else None)
    return Bundle(
        name, (card,), nodes, {("MEMBER_OF", ("Gene", "Pathway")): table}, tuple(rejections.rejected), notes
    )
