"""Reads one kind of omics for cell lines of the graph from a table in long form or a matrix of genes by cell lines."""

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
from pharmagraph.ingest.longform import read_long
from pharmagraph.ingest.matrix import read_matrix
from pharmagraph.ingest.names import unmatched_note
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.units.expression import matrix_in_logarithms
from pharmagraph.ingest.units.given import given
from pharmagraph.kg.errors import AmbiguousNameError, InputError
from pharmagraph.kg.profiles import Profiles
from pharmagraph.kg.reading.records import records
from pharmagraph.kg.reading.text import existing, shown, stem
from pharmagraph.kg.schema import PROFILES
from pharmagraph.kg.wording import named

KINDS = {
    "mutated": "MUTATED",
    "copy_number": "COPY_NUMBER",
    "methylated": "METHYLATED",
    "expression": "EXPRESSES",
}
PROFILE_OF = {edges.type: kind for kind, edges in PROFILES.items()}
"""Edge kind → kind of the profiles that are loaded whole beside it; a mutation or a methylation is an edge alone."""


def read(
    path: Path,
    kind: str,
    known: Known,
    rejections: Rejections,
    *,
    name: str | None = None,
    share: float = 0.05,
    new_genes: bool = False,
    units: Mapping[str, str] | Sequence[str] = (),
    human: bool = False,
) -> Bundle:
    """Read omics into a bundle.

    Parameters
    ----------
    path
        A table with columns cell_line, gene and value, or a matrix with a row per gene and a column per cell line.
    kind
        A key of `KINDS`. Expression is standardised for each gene over the file's cell lines. Of the other kinds,
        values other than 0 become edges unchanged. Expression and copy numbers become whole profiles, too.
    known
        Nodes of the graph; other cell lines are left out and reported by name.
    rejections
        Collects bad rows.
    name
        Id of the dataset; by default the file's name.
    share
        For expression: share of the genes kept for each cell line.
    new_genes
        Add genes that the graph lacks.
    units
        Of expression, where the header does not say it: ``{"expression": "tpm"}``.
    human
        Gene symbols in small letters, as Brca1, are of human genes.

    Raises
    ------
    InputError
        If there is no such kind, or no cell line of the file is in the graph.
    RowError
        At the first bad row, unless rows are being rejected.
    """
    if kind not in KINDS:
        raise InputError(f'{named("kind")} "{kind}" is not one of {", ".join(KINDS)}')
    type_ = KINDS[kind]
    name = name or stem(path)
    existing(path, what="a table of omics is needed")
    with records(path) as opened:
        is_long = all(opened.header.find(c) is not None for c in FILES["omics"].key)
    genes, lines, cells, values, read_notes, header = (_long if is_long else _wide)(path, type_, rejections)
    require_human(genes, shown(path), human=human)
    scale = None
    if type_ == "EXPRESSES":
        said = given(units).get("expression")
        values, scale, note = matrix_in_logarithms(values, shown(path), lines, said, header)
        read_notes = (*read_notes, note)
    try:
        ids = [known.cell_lines.find(c) for c in cells]
    except AmbiguousNameError as error:
        raise InputError(f"{shown(path)}: {error}") from None
    for id_ in {i for i in ids if i is not None and ids.count(i) > 1}:
        same = [c for c, i in zip(cells, ids, strict=True) if i == id_]
        raise InputError(
            f"{shown(path)}: {' and '.join(same)} are the same cell line of the graph, {id_}; keep one"
        )
    inside = np.array([i is not None for i in ids], dtype=bool)
    if not inside.any():
        if any(_is_cell_line(gene, known) for gene in genes):
            raise InputError(
                f"{shown(path)} has cell lines down the side and genes along the top; give genes down the side and "
                "cell lines along the top, or the columns cell_line, gene and value"
            )
        raise InputError(
            f"{shown(path)} names no cell line of the graph ({', '.join(cells[:3])}, …); load its screen first"
        )
    symbols = _gene_ids(genes, lines, known, rejections, type_, shown(path), new_genes)
    usable = np.array([s is not None for s in symbols], dtype=bool)
    values = values[inside]
    cell_ids = [i for i in ids if i is not None]
    if type_ == "EXPRESSES":
        spread = has_spread(values)
        for i in np.flatnonzero(usable & ~spread):
            rejections.bad(
                type_,
                shown(path),
                lines[i],
                "gene",
                genes[i],
                "has the same value in every cell line, so it has no z score; delete it",
            )
        usable &= spread
    kept = [s for s, u in zip(symbols, usable, strict=True) if s is not None and u]
    values = values[:, usable]
    if type_ == "EXPRESSES":
        z = z_scores(values)
        table = assemble.expresses(cell_ids, kept, z, share=share, dataset=name)
        used = sorted(kept)
        genes_table = (
            assemble.gene_table(used, kept, statistics(values))
            if scale != "z"
            else assemble.node_table("Gene", {"id": used})
        )
        profiles = [Profiles.of(name, "expression", cell_ids, kept, z)]
    else:
        table = assemble.valued(cell_ids, kept, values, dataset=name)
        profiles = (
            [Profiles.of(name, PROFILE_OF[type_], cell_ids, kept, values)] if type_ in PROFILE_OF else []
        )
        used = assemble.all_genes([table], profiles)
        genes_table = assemble.node_table("Gene", {"id": used})
    notes = (
        *unmatched_note(
            "cell lines", [c for c, i in zip(cells, ids, strict=True) if i is None], "are not in the graph"
        ),
        *unmatched_note("genes", sorted(set(used) - known.genes), "are new to the graph"),
        *read_notes,
    )
    card = DatasetCard(name, path.name, sha256=checksum(path))
    return Bundle(
        name,
        (card,),
        {"Gene": genes_table},
        {(type_, ("CellLine", "Gene")): table},
        tuple(rejections.rejected),
        notes,
        tuple(profiles),
    )


def _is_cell_line(name: str, known: Known) -> bool:
    try:
        return known.cell_lines.find(name) is not None
    except AmbiguousNameError:
        return True


def _gene_ids(
    genes: list[str],
    lines: list[int],
    known: Known,
    rejections: Rejections,
    type_: str,
    file: str,
    new_genes: bool,
) -> list[str | None]:
    """The id of each gene, None for one that is not loaded; a second name of the same gene is a bad row."""
    row_of: dict[str, int] = {}
    ids: list[str | None] = []
    for gene, line in zip(genes, lines, strict=True):
        id_ = known.gene(
            gene, rejections, kind=type_, file=file, line=line, column="gene", new_genes=new_genes
        )
        if id_ in row_of:
            rejections.bad(type_, file, line, "gene", gene, f"is {id_}, as row {row_of[id_]} is; keep one")
            id_ = None
        elif id_ is not None:
            row_of[id_] = line
        ids.append(id_)
    return ids


_Read = tuple[list[str], list[int], list[str], npt.NDArray[np.float64], tuple[str, ...], str]
"""Genes, the line where each occurs first, cell lines, values ``(cell lines, genes)``, notes, and the column of values.
"""


def _long(path: Path, type_: str, rejections: Rejections) -> _Read:
    table = read_long(path, "expression" if type_ == "EXPRESSES" else "omics", rejections, kind=type_)
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


def _wide(path: Path, type_: str, rejections: Rejections) -> _Read:
    matrix = read_matrix(path, rejections, kind=type_)
    values = np.ascontiguousarray(matrix.values.T)
    return list(matrix.rows), list(matrix.lines), list(matrix.columns), values, (), ""
