"""Makes protein–protein interactions between genes of the graph of a file of pairs; `networks` tells its shape."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from pharmagraph.ingest import assemble
from pharmagraph.ingest.bundle import Bundle, DatasetCard
from pharmagraph.ingest.downloads import checksum
from pharmagraph.ingest.gene_words import Symbols
from pharmagraph.ingest.known import Known
from pharmagraph.ingest.names import unmatched_note
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.sources.networks import KIND, MIN_SCORE, network
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.reading.text import shown, stem


def read(
    path: Path,
    known: Known,
    rejections: Rejections,
    *,
    name: str | None = None,
    min_score: int = MIN_SCORE,
    names: Path | None = None,
) -> Bundle:
    """Read interactions into a bundle.

    Parameters
    ----------
    path
        In one of the shapes of `networks`: columns source_symbol and target_symbol, or gene_a and gene_b, with method
        or source when there; SIF; BioGRID's tab3; STRING's links or table.
    known
        Nodes of the graph; interactions with other genes are left out and counted.
    rejections
        Collects bad rows.
    name
        Id of the dataset; by default the file's name.
    min_score
        Of STRING, the smallest combined score, of 1,000.
    names
        STRING's ``protein.info`` file, where the file has its ids.

    Raises
    ------
    InputError
        If the file is of none of the shapes or names no gene of the graph.
    RowError
        At the first row without two symbols, unless rows are being rejected.
    """
    name = name or stem(path)
    methods: dict[tuple[str, str], set[str]] = {}
    unmatched: set[str] = set()
    outside = 0
    symbols = Symbols()
    read_as = network(path, known, rejections, min_score=min_score, names=names)
    for pair in read_as.pairs:
        ids, missing = known.genes_of(pair.names)
        if not all(
            symbols.accept(v, rejections, KIND, shown(path), pair.line, c)
            for c, v in zip(pair.columns, pair.names, strict=True)
            if v in missing
        ):
            continue
        if missing:
            unmatched |= missing
            outside += 1
        elif ids[0] != ids[1]:
            methods.setdefault((min(ids), max(ids)), set()).update(pair.sources)
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
        *read_as.notes(),
    )
    card = DatasetCard(name, path.name, sha256=checksum(path))
    return Bundle(
        name, (card,), {}, {("INTERACTS_WITH", ("Gene", "Gene")): table}, tuple(rejections.rejected), notes
    )
