"""Loads what files say of the graph's cell lines: omics, identities, and the genes that they depend on.

Like the functions of `ingest.read_and_load`, of which the docstring says what all of them share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from pharmagraph.ingest.bundle import Bundle
from pharmagraph.ingest.load import Report
from pharmagraph.ingest.read_and_load import Advance, File, Where, _check, _known, _load, _open, _silent
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.releases import Gone
from pharmagraph.kg import arguments
from pharmagraph.kg.errors import InputError


def omics(
    store: Where,
    file: File,
    kind: str,
    *,
    name: str | None = None,
    share: float = 0.05,
    threshold: float | None = None,
    new_genes: bool = False,
    units: Mapping[str, str] | Sequence[str] = (),
    human: bool = False,
    reject_rows: bool = False,
    gone: Gone = "remove",
    advance: Advance = _silent,
) -> Report:
    """Load omics of the graph's cell lines.

    Parameters
    ----------
    file
        With the columns cell_line, gene and value; or a matrix of genes by cell lines, or the other way round.
    kind
        A layer of `kg.layers`: ``expression``, ``mutation``, ``copy_number``, ``methylation``, ``dependency``,
        ``hotspot``, ``proteomics`` or ``metabolomics``.
    name
        Id of the dataset; the file's name unless given.
    threshold
        Of values that become edges, in place of the layer's own; expression, proteomics and metabolomics have
        ``share``.
    new_genes
        Add genes that the graph lacks, instead of refusing the row.
    units
        Of expression, where the header does not say it: ``{"expression": "tpm"}``.
    human
        Gene symbols in small letters, as Brca1, are of human genes; else a table of them is refused as one of mouse.
    gone
        What becomes of what the stored release of the dataset has and this one lacks: ``keep``, ``mark`` (training then
        leaves it out) or ``remove``.
    store, share, reject_rows, advance
        As in `gdsc`.
    """
    from pharmagraph.ingest.sources import omics as source

    _check(name, share=share)
    if threshold is not None:
        arguments.number("threshold", threshold)
    place = Path(arguments.path("file", file))
    return _load(
        store,
        lambda rejections: source.read(
            place,
            kind,
            _known(store, "CellLine"),
            rejections,
            name=name,
            share=share,
            threshold=threshold,
            new_genes=new_genes,
            units=units,
            human=human,
        ),
        reject_rows,
        advance,
        named=name is not None,
        gone=gone,
    )


def cells(
    store: Where,
    file: File,
    *,
    name: str | None = None,
    reject_rows: bool = False,
    advance: Advance = _silent,
) -> Report:
    """Give the graph's cell lines their ids, synonyms, tissues and known problems.

    Parameters
    ----------
    file
        The model list of Cell Model Passports, DepMap's Model.csv or sample_info.csv, or cellosaurus.txt; gzip or not.
        Its shape is told from the header.
    name
        Id of the dataset; the file's name unless given.
    store, reject_rows, advance
        As in `gdsc`. Clashes never stop a load: they are in the report's ``rejected``, and the stored value stays.
    """
    from pharmagraph.ingest.sources import cell_lines as source

    _check(name)
    place = Path(arguments.path("file", file))
    return _load(
        store,
        lambda rejections: source.read(place, _cell_lines(store), rejections, name=name),
        reject_rows,
        advance,
        named=name is not None,
    )


def dependencies(
    store: Where,
    file: File,
    *,
    name: str | None = None,
    below: float = -0.5,
    keep_all: bool = False,
    new_genes: bool = False,
    reject_rows: bool = False,
    gone: Gone = "remove",
    advance: Advance = _silent,
) -> Report:
    """Load which genes the graph's cell lines depend on, by CRISPR.

    Parameters
    ----------
    file
        Gene effects as DepMap ships them: CSV, gzip or not, or Parquet, cell lines by genes or the other way round.
        Cell lines are found by DepMap id, which `cells` loads, or by name.
    name
        Id of the dataset; the file's name unless given.
    below
        Effects below it become edges; 0 is no effect, -1 the median of common essential genes.
    keep_all
        All effects become edges, 18 million of a whole release.
    new_genes
        Add genes that the graph lacks; otherwise they are counted.
    gone
        What becomes of what the stored release of the dataset has and this one lacks: ``keep``, ``mark`` (training then
        leaves it out) or ``remove``.
    store, reject_rows, advance
        As in `gdsc`.
    """
    from pharmagraph.ingest.known import known
    from pharmagraph.ingest.sources import dependencies as source

    _check(name)
    arguments.number("below", below)
    place = Path(arguments.path("file", file))

    def read(rejections: Rejections) -> Bundle:
        with _open(store, read_only=True) as graph:
            nodes = known(graph, needs="CellLine")
            lines = graph.read_nodes("CellLine", ["id", "depmap_id"])
            genes = graph.read_nodes("Gene", ["id", "entrez_id"])
        return source.read(
            place,
            nodes,
            lines,
            genes,
            rejections,
            name=name,
            below=below,
            keep_all=keep_all,
            new_genes=new_genes,
        )

    return _load(store, read, reject_rows, advance, named=name is not None, gone=gone)


def _cell_lines(store: Where) -> pa.Table:
    """All cell lines of the graph."""
    with _open(store, read_only=True) as graph:
        lines = graph.read_nodes("CellLine")
    if not lines.num_rows:
        raise InputError(
            f"{graph.url} holds no CellLine to join this to; load a screen first: cli ingest gdsc"
        )
    return lines
