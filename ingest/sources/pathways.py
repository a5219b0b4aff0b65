"""Reads pathways and their genes from a GMT file: a line has a set's name, a description, and gene symbols."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa

from pharmagraph.ingest import assemble
from pharmagraph.ingest.bundle import Bundle, DatasetCard
from pharmagraph.ingest.downloads import checksum
from pharmagraph.ingest.known import Known
from pharmagraph.ingest.matrix import existing, open_text, shown
from pharmagraph.ingest.names import is_gene_symbol, unmatched_note
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.kg.errors import InputError

_NAMED = re.compile(r"^([A-Za-z0-9_.-]+):(.+)$")  # PC7_10399:a4b7 Integrin signaling
_SOURCE = re.compile(r"^(.+?) \((.+)\)$")  # reactome (CC BY 4.0)


def read(path: Path, known: Known, rejections: Rejections, *, name: str | None = None) -> Bundle:
    """Read pathways into a bundle.

    Parameters
    ----------
    path
        A tab-separated file. A name ``ID:name`` is split in two, and so is a description ``source (licence)``.
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
    name = name or path.name.split(".")[0]
    pathways: dict[str, tuple[str, str | None, str | None]] = {}
    lines: dict[str, int] = {}
    members: list[tuple[str, str]] = []
    unmatched: set[str] = set()
    with open_text(existing(path, what="a GMT file is needed")) as file:
        for line, text in enumerate(file, start=1):
            if not text.strip():
                continue
            cells = [c.strip() for c in text.rstrip("\r\n").split("\t")]
            genes = sorted({c for c in cells[2:] if c})
            if len(cells) < 3 or not cells[0] or not genes:
                rejections.bad(
                    "Pathway",
                    shown(path),
                    line,
                    None,
                    cells[0],
                    "is not a name, a description and genes, separated by tabs",
                )
                continue
            inside, missing = known.genes_of(genes)
            wrong = next((g for g in genes if g in missing and not is_gene_symbol(g)), None)
            if wrong is not None:
                rejections.bad(
                    "MEMBER_OF", shown(path), line, None, wrong, "is not a gene symbol; use HGNC symbols"
                )
                continue
            named, described = _NAMED.match(cells[0]), _SOURCE.match(cells[1])
            id_, title = named.groups() if named else (cells[0], cells[0])
            if id_ in lines:
                rejections.bad(
                    "Pathway", shown(path), line, None, id_, f"is already in row {lines[id_]}; keep one"
                )
                continue
            lines[id_] = line
            unmatched |= missing
            if inside:
                source, licence = described.groups() if described else (cells[1] or None, None)
                pathways[id_] = (title, source, licence)
                members += [(g, id_) for g in dict.fromkeys(inside)]
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
        *((f"{empty:,} sets have no gene of the graph and are left out",) if empty else ()),
    )
    licences = ", ".join(sorted({p[2] for p in pathways.values() if p[2]})) or None
    card = DatasetCard(name, path.name, licence=licences, sha256=checksum(path))
    return Bundle(
        name, (card,), nodes, {("MEMBER_OF", ("Gene", "Pathway")): table}, tuple(rejections.rejected), notes
    )
