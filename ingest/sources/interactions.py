"""Reads protein–protein interactions between genes of the graph from a table with two columns of symbols."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa

from pharmagraph.ingest import assemble
from pharmagraph.ingest.bundle import Bundle, DatasetCard
from pharmagraph.ingest.downloads import checksum
from pharmagraph.ingest.gene_words import Symbols
from pharmagraph.ingest.known import Known
from pharmagraph.ingest.longform import table_rows
from pharmagraph.ingest.names import unmatched_note
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.reading.records import records
from pharmagraph.kg.reading.text import existing, shown, stem

_WHAT = "a table of interactions is needed"
COLUMNS = (("source_symbol", "target_symbol"), ("gene_a", "gene_b"))
_LABEL = re.compile(r"\((.+)\)$")  # MI:0018(two hybrid)


def read(path: Path, known: Known, rejections: Rejections, *, name: str | None = None) -> Bundle:
    """Read interactions into a bundle.

    Parameters
    ----------
    path
        Columns source_symbol and target_symbol, or gene_a and gene_b; a column ``method`` or ``source`` is kept.
    known
        Nodes of the graph; interactions with other genes are left out and counted.
    rejections
        Collects bad rows.
    name
        Id of the dataset; by default the file's name.

    Raises
    ------
    InputError
        If the file lacks a column or names no gene of the graph.
    RowError
        At the first row without two symbols, unless rows are being rejected.
    """
    name = name or stem(path)
    first, second = _columns(path)
    methods: dict[tuple[str, str], set[str]] = {}
    unmatched: set[str] = set()
    outside = 0
    symbols = Symbols()
    for line, row in table_rows(
        path, (first, second), rejections, kind="INTERACTS_WITH", what=_WHAT, optional=("method", "source")
    ):
        a, b = row[first], row[second]
        ids, missing = known.genes_of((a, b))
        if not all(
            symbols.accept(v, rejections, "INTERACTS_WITH", shown(path), line, c)
            for c, v in ((first, a), (second, b))
            if v in missing
        ):
            continue
        if missing:
            unmatched |= missing
            outside += 1
        elif ids[0] != ids[1]:
            found = methods.setdefault((min(ids), max(ids)), set())
            for part in (row.get("method") or row.get("source") or "").split("|"):
                if part:
                    label = _LABEL.search(part)
                    found.add(label.group(1) if label else part)
    if not methods:
        raise InputError(
            f"{shown(path)} has no interaction between two genes of the graph; load a screen first: cli ingest gdsc"
        )
    pairs = sorted(methods)
    table = assemble.edge_table(
        pa.array([p[0] for p in pairs], pa.string()),
        pa.array([p[1] for p in pairs], pa.string()),
        {
            "source": pa.array(["; ".join(sorted(methods[p])) or None for p in pairs], pa.string()),
            "dataset": name,
        },
    )
    notes = (
        *unmatched_note(
            "genes", sorted(unmatched), f"are not in the graph, which leaves out {outside:,} rows"
        ),
        *symbols.notes(shown(path)),
    )
    card = DatasetCard(name, path.name, sha256=checksum(path))
    return Bundle(
        name, (card,), {}, {("INTERACTS_WITH", ("Gene", "Gene")): table}, tuple(rejections.rejected), notes
    )


def _columns(path: Path) -> tuple[str, str]:
    with records(existing(path, what=_WHAT)) as table:
        for first, second in COLUMNS:
            if table.header.find(first) is not None and table.header.find(second) is not None:
                return first, second
        raise table.header.lacks([" and ".join(pair) for pair in COLUMNS])
