"""Loads files that join genes to the graph's drugs and to one another: known targets, and interactions.

Like the functions of `ingest.read_and_load`, of which the docstring says what all of them share.
"""

from __future__ import annotations

from pathlib import Path

from pharmagraph.ingest.load import Report
from pharmagraph.ingest.read_and_load import Advance, File, Where, _check, _known, _load, _silent
from pharmagraph.ingest.releases import Gone
from pharmagraph.kg import arguments


def targets(
    store: Where,
    file: File | None = None,
    *,
    name: str | None = None,
    new_genes: bool = False,
    reject_rows: bool = False,
    gone: Gone = "remove",
    advance: Advance = _silent,
) -> Report:
    """Load known targets of the graph's drugs.

    Parameters
    ----------
    file
        With the columns drug, gene and, when known, action, source and evidence; the project's own table unless given.
    name
        Id of the dataset; the file's name unless given.
    new_genes
        Add genes that the graph lacks, instead of refusing the row.
    gone
        What becomes of what the stored release of the dataset has and this one lacks: ``keep``, ``mark`` (training then
        leaves it out) or ``remove``.
    store, reject_rows, advance
        As in `gdsc`.
    """
    from pharmagraph.ingest.sources import targets as source

    _check(name)
    place = None if file is None else Path(arguments.path("file", file))
    return _load(
        store,
        lambda rejections: source.read(
            place, _known(store, "Drug"), rejections, name=name, new_genes=new_genes
        ),
        reject_rows,
        advance,
        named=name is not None or file is None,
        gone=gone,
    )


def interactions(
    store: Where,
    file: File,
    *,
    name: str | None = None,
    min_score: int = 700,
    names: File | None = None,
    reject_rows: bool = False,
    gone: Gone = "remove",
    advance: Advance = _silent,
) -> Report:
    """Load protein–protein interactions between the graph's genes.

    Parameters
    ----------
    file
        With the columns source_symbol and target_symbol, or gene_a and gene_b; SIF; BioGRID's tab3; STRING's links or
        table. Told from the content.
    name
        Id of the dataset; the file's name unless given.
    min_score
        Of STRING: the smallest combined score, of 1,000.
    names
        STRING's ``protein.info`` file, where the file has STRING's ids.
    gone
        What becomes of what the stored release of the dataset has and this one lacks: ``keep``, ``mark`` (training then
        leaves it out) or ``remove``.
    store, reject_rows, advance
        As in `gdsc`.
    """
    from pharmagraph.ingest.sources import interactions as source

    _check(name)
    least = arguments.whole_number("min_score", min_score, least=0)
    place = Path(arguments.path("file", file))
    names_file = None if names is None else Path(arguments.path("names", names))
    return _load(
        store,
        lambda rejections: source.read(
            place, _known(store, "Gene"), rejections, name=name, min_score=least, names=names_file
        ),
        reject_rows,
        advance,
        named=name is not None,
        gone=gone,
    )
