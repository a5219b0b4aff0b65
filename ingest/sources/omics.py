"""Reads one layer of omics for cell lines of the graph, from a table in long form or a matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pharmagraph.ingest import assemble
from pharmagraph.ingest.bundle import Bundle, DatasetCard
from pharmagraph.ingest.contracts import FILES
from pharmagraph.ingest.downloads import checksum
from pharmagraph.ingest.expression import has_spread, statistics, z_scores
from pharmagraph.ingest.identities.genes import require_human
from pharmagraph.ingest.known import Known
from pharmagraph.ingest.long_table import require_rows
from pharmagraph.ingest.longform import read_long
from pharmagraph.ingest.matrix import read_matrix
from pharmagraph.ingest.names import unmatched_note
from pharmagraph.ingest.rejections import Rejections, nothing_left
from pharmagraph.ingest.units.expression import matrix_in_logarithms
from pharmagraph.ingest.units.given import given
from pharmagraph.kg.errors import AmbiguousNameError, InputError
from pharmagraph.kg.layers import Layer, layer
from pharmagraph.kg.names import without_id
from pharmagraph.kg.profiles import Profiles
from pharmagraph.kg.reading.records import records
from pharmagraph.kg.reading.text import existing, shown, stem

_Read = tuple[list[str], list[int], list[str], npt.NDArray[np.float64], tuple[str, ...], str]
"""Features, the line where each occurs first, cell lines, values ``(cell lines, features)``, notes, and the name of the
column of values."""


def read(
    path: Path,
    kind: str,
    known: Known,
    rejections: Rejections,
    *,
    name: str | None = None,
    share: float = 0.05,
    threshold: float | None = None,
    new_genes: bool = False,
    units: Mapping[str, str] | Sequence[str] = (),
    human: bool = False,
) -> Bundle:
    """Read one layer of omics into a bundle.

    Parameters
    ----------
    path
        A table with columns cell_line, gene and value; or a matrix, with cell lines along the top or down the side.
    kind
        Name of a layer of `kg.layers`, which says which values become edges, and whether values are standardised for
        each feature over the file's cell lines, and kept whole as profiles.
    known
        Nodes of the graph; other cell lines are left out and reported by name.
    rejections
        Collects bad rows.
    name
        Id of the dataset; by default the file's name.
    share
        For layers of which the strongest values become edges: share of the features kept for each cell line.
    threshold
        For the others: the threshold, instead of the layer's own.
    new_genes
        Add genes that the graph lacks. Other features, such as metabolites, are always added.
    units
        Of expression, where the header does not say it: ``{"expression": "tpm"}``.
    human
        Gene symbols in small letters, as Brca1, are of human genes.

    Raises
    ------
    InputError
        If there is no such layer, or no cell line of the file is in the graph.
    RowError
        At the first bad row, unless rows are being rejected.
    """
    of = layer(kind)
    type_ = of.edges
    name = name or stem(path)
    existing(path, what="a table of omics is needed")
    with records(path) as opened:
        is_long = all(opened.header.find(c) is not None for c in FILES["omics"].required)
    features, lines, cells, values, read_notes, header = (
        _long(path, of, rejections) if is_long else _wide(path, type_, rejections, known)
    )
    if of.features == "Gene":
        require_human([without_id(feature) for feature in features], shown(path), human=human)
    scale = None
    if of.name == "expression":
        said = given(units).get("expression")
        values, scale, note = matrix_in_logarithms(values, shown(path), lines, said, header)
        read_notes = (*read_notes, note)
    ids = _cell_line_ids(path, cells, known)
    found = _features(of, features, lines, known, rejections, shown(path), new_genes)
    usable = np.array([f is not None for f in found], dtype=bool)
    values = values[[i is not None for i in ids]]
    cell_ids = [i for i in ids if i is not None]
    if of.standardised:
        spread = has_spread(values)
        what = "has the same value in every cell line, so it has no z score; delete it"
        for i in np.flatnonzero(usable & ~spread):
            rejections.bad(type_, shown(path), lines[i], of.features.lower(), features[i], what)
        usable &= spread
    kept = [f for f, u in zip(found, usable, strict=True) if f is not None and u]
    values = values[:, usable]
    measured = z_scores(values) if of.standardised else values
    table = assemble.layer_edges(of, cell_ids, kept, measured, share=share, threshold=threshold, dataset=name)
    profiles = [Profiles.of(name, of.name, cell_ids, kept, measured)] if of.profile else []
    used = assemble.all_genes([table], profiles)
    if of.features != "Gene":
        nodes = assemble.node_table(of.features, {"id": used, "name": used})
    elif of.name == "expression" and scale != "z":
        nodes = assemble.gene_table(sorted(kept), kept, statistics(values))
    else:
        nodes = assemble.node_table("Gene", {"id": used})
    new = sorted(set(used) - known.genes) if of.features == "Gene" else []
    notes = (
        *unmatched_note(
            "cell lines", [c for c, i in zip(cells, ids, strict=True) if i is None], "are not in the graph"
        ),
        *unmatched_note("genes", new, "are new to the graph"),
        *_fewer_edges(of, table.num_rows, int(np.isfinite(measured).sum()), threshold),
        *read_notes,
    )
    card = DatasetCard(name, path.name, sha256=checksum(path))
    return Bundle(
        name,
        (card,),
        {of.features: nodes},
        {(type_, of.ends): table},
        tuple(rejections.rejected),
        notes,
        tuple(profiles),
    )


def _fewer_edges(of: Layer, edges: int, values: int, threshold: float | None) -> tuple[str, ...]:
    """What of a layer became edges, where its rule has a threshold other than 0."""
    at = of.threshold if threshold is None else threshold
    if of.rule == "strongest" or not at:
        return ()
    where = "below" if of.rule == "below" else "with a magnitude above"
    return (f"{edges:,} of {values:,} values are edges, those {where} {at:g}; all are in profiles",)


def _cell_line_ids(path: Path, cells: Sequence[str], known: Known) -> list[str | None]:
    """The id of each cell line of a file, None for one that is not in the graph."""
    try:
        ids = [known.cell_lines.find(c) for c in cells]
    except AmbiguousNameError as error:
        raise InputError(f"{shown(path)}: {error}") from None
    for id_ in {i for i in ids if i is not None and ids.count(i) > 1}:
        same = [c for c, i in zip(cells, ids, strict=True) if i == id_]
        raise InputError(
            f"{shown(path)}: {' and '.join(same)} are the same cell line of the graph, {id_}; keep one"
        )
    if not any(i is not None for i in ids):
        raise InputError(
            f"{shown(path)} names no cell line of the graph ({', '.join(cells[:3])}, …); load its screen first"
        )
    return ids


def _is_cell_line(name: str, known: Known) -> bool:
    try:
        return known.cell_lines.find(name) is not None
    except AmbiguousNameError:
        return True


def _features(
    of: Layer,
    names: list[str],
    lines: list[int],
    known: Known,
    rejections: Rejections,
    file: str,
    new_genes: bool,
) -> list[str | None]:
    """The id of each feature, None for one that is not loaded; a second name of the same one is a bad row."""
    row_of: dict[str, int] = {}
    ids: list[str | None] = []
    column = of.features.lower()
    for name, line in zip(names, lines, strict=True):
        id_: str | None = name
        if of.features == "Gene":
            id_ = known.gene(
                name, rejections, kind=of.edges, file=file, line=line, column=column, new_genes=new_genes
            )
        if id_ in row_of:
            rejections.bad(of.edges, file, line, column, name, f"is {id_}, as row {row_of[id_]} is; keep one")
            id_ = None
        elif id_ is not None:
            row_of[id_] = line
        ids.append(id_)
    return ids


def _long(path: Path, of: Layer, rejections: Rejections) -> _Read:
    contract = "expression" if of.name == "expression" else "omics"
    table = read_long(path, contract, rejections, kind=of.edges)
    require_rows(table, "value", rejections)
    cell, gene = table.texts["cell_line"], table.texts["gene"]
    _, first = np.unique(gene.codes, return_index=True)
    values = np.full((len(cell.names), len(gene.names)), np.nan)
    values[cell.codes, gene.codes] = table.numbers["value"]
    return (
        list(gene.names),
        table.lines[first].tolist(),
        list(cell.names),
        values,
        table.notes,
        table.headers.get("value", ""),
    )


def _wide(path: Path, type_: str, rejections: Rejections, known: Known) -> _Read:
    """A matrix, turned where cell lines stand down the side and none along the top."""
    matrix = read_matrix(path, rejections, kind=type_)
    if not matrix.rows or np.isnan(matrix.values).all():
        raise nothing_left(shown(path), "number", rejections, unit="cell")
    along, down = (any(_is_cell_line(n, known) for n in names) for names in (matrix.columns, matrix.rows))
    if down and not along:
        header = [1] * len(matrix.columns)
        return list(matrix.columns), header, list(matrix.rows), np.ascontiguousarray(matrix.values), (), ""
    values = np.ascontiguousarray(matrix.values.T)
    return list(matrix.rows), list(matrix.lines), list(matrix.columns), values, (), ""
