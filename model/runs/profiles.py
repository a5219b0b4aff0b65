"""Reads the expression profile of a cell line that is not in the graph: z scores, or values of a unit of its own.

What becomes of values that are no z scores is in `runs.standardising`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from pharmagraph.kg.errors import AmbiguousNameError, InputError, RowError, none_of, shortened
from pharmagraph.kg.heterograph.arrays import SavedArrays
from pharmagraph.kg.names import Names
from pharmagraph.kg.reading.numbers import NotANumberError, as_number, finite_number
from pharmagraph.kg.reading.table import Table
from pharmagraph.model.runs import standardising
from pharmagraph.model.runs.batch_effects import MOST, Lines, checked_z, tell_strange
from pharmagraph.model.runs.standardising import Reference

Z_COLUMNS = ("z", "zscore")
"""Names of a column of z scores, in small letters and without punctuation, as are the following."""

VALUE_COLUMNS = (
    "value",
    "logtpm",
    "log2tpm",
    "tpm",
    "expression",
    "counts",
    "count",
    "expectedcount",
    "numreads",
)
"""Names of a column of values; of several in one file the first of these is taken."""

GENE_COLUMNS = (
    "gene", "symbol", "genesymbol", "hgncsymbol", "genename", "geneid", "ensemblgeneid", "ensemblid", "entrezid",
    "entrezgeneid", "name",
)  # fmt: skip
"""Names of a column of genes; of several the first in the file is taken."""

READ_SUMMARIES = ("N_unmapped", "N_multimapping", "N_noFeature", "N_ambiguous", "__")
"""What rows of STAR's and HTSeq's tables that are no genes begin with."""

ENOUGH = 0.5
"""Share of the run's genes below which the note about a profile warns."""


class RunGenes:
    """The genes of a run's graph, by any name that the store knows.

    Parameters
    ----------
    graph
        Of the run.
    names
        Gives the names of the store's genes; it is called when one is needed.
    """

    def __init__(self, graph: SavedArrays, names: Callable[[], Names]) -> None:
        self._graph, self._names = graph, names

    @cached_property
    def ids(self) -> dict[str, int]:
        """Id → number of the node."""
        return {id_: number for number, id_ in enumerate(self._graph.ids("Gene"))}

    @cached_property
    def names(self) -> Names:
        """Of the store."""
        return self._names()

    @cached_property
    def reference(self) -> Reference | None:
        """Mean and deviation of each gene's expression over the screen; None in graphs that do not hold them."""
        figures = ("expression_mean", "expression_deviation")
        if not all(self._graph.has_node_feature("Gene", name) for name in figures):
            return None
        mean, deviation = (self._graph.node_feature("Gene", name).astype(np.float64) for name in figures)
        measured = np.isfinite(mean) & (deviation > 0)
        return Reference(mean, deviation, measured) if measured.any() else None

    @cached_property
    def _profiles(self) -> npt.NDArray[np.float64] | None:
        """z scores of some of the run's lines, (n_lines, n_genes), NaN where none; None in graphs without profiles."""
        if not self._graph.has_node_feature("CellLine", "expression"):
            return None
        z = self._graph.node_feature("CellLine", "expression")
        z = z[np.isfinite(z).any(1)]
        some = np.unique(np.linspace(0, len(z) - 1, min(len(z), MOST)).round().astype(np.int64))
        return z[some].astype(np.float64)

    def lines(self, at: npt.NDArray[np.integer]) -> Lines | None:
        """Cell lines of the run on those of some genes, by number, that have a reference; None where it has none."""
        if self.reference is None or self._profiles is None:
            return None
        own = self.reference.take(at)
        z = np.nan_to_num(self._profiles[:, at[own.measured]])
        return Lines(z, own.mean[own.measured], own.deviation[own.measured])

    def find(self, name: str) -> str | None:
        """The id of the run's gene that has a name; None where none has it, or several have."""
        if name in self.ids:
            return name
        try:
            id_ = self.names.find(name)
        except AmbiguousNameError:
            return None
        return id_ if id_ in self.ids else None

    def by_id(self, z: Mapping[str, float]) -> dict[str, float]:
        """z scores by any name → by id; names that no gene of the run has stay as they are.

        Raises
        ------
        InputError
            If two names are of one gene.
        """
        found: dict[str, float] = {}
        for name, value in z.items():
            id_ = self.find(name) or name
            if id_ in found:
                raise InputError(f"{shortened(name)} is {id_}, which has a z score already; keep one")
            found[id_] = value
        return found


@dataclass(frozen=True)
class _Cell:
    """One value of a table: the gene as it is written, the line and the column in which the value stands."""

    gene: str
    value: float
    line: int | None
    column: str


@dataclass(frozen=True)
class _Written:
    """All values of a table, where they stand, whether these are z scores, and the number of genes without a value."""

    place: str
    cells: Sequence[_Cell]
    z: bool
    without_value: int = 0


def read_profile(table: Table, genes: RunGenes, note: Callable[[str], None]) -> dict[str, float]:
    """A table of a cell line's expression → gene → z score (standard deviations).

    Parameters
    ----------
    table
        It has a row a gene: a column ``gene`` and a column ``z``, or another column of values, such as ``tpm`` or
        ``counts``. Or it has one row of values below a header of genes. Without a column ``z`` the unit of the values
        is told from their distribution.
    genes
        Of the run.
    note
        Is told what the values are taken for, and how many genes are found, missing, and not in the run's graph.

    Raises
    ------
    InputError
        If several columns may hold the values, or its values cannot be standardised.
    RowError
        If a column is missing, a value is not a finite number, or a gene is there twice; the row is named.
    """
    written = _read(table)
    if written.without_value:
        note(f"{table.name}: genes without a value, which are skipped: {written.without_value:,}")
    found = _by_gene(table.source, written.cells, genes)
    if not found:
        raise InputError(
            f"{table.source}: {none_of(len(written.cells), 'gene', 'is')} in the graph of the run; give HGNC symbols, "
            "Ensembl or Entrez ids"
        )
    if written.z:
        what, z, n_genes = "z scores", _z(table.name, found, genes, note), len(genes.ids)
        if doubt := standardising.unlike_z(table.source, np.array([cell.value for cell in written.cells])):
            note(f"{table.name}: {doubt}")
    else:
        what, z, n_genes = _standardised(table, written, found, genes, note)
    note(
        f"{table.name}: {what}; {len(z):,} of the run's {n_genes:,} genes found, {n_genes - len(z):,} missing (taken "
        f"to be at their mean), {len(written.cells) - len(found):,} others left out"
    )
    if len(z) < ENOUGH * n_genes:
        note(
            f"{table.name}: fewer than half of the run's genes were found, so the prediction rests on little"
        )
    return z


def _z(
    name: str, found: Mapping[str, _Cell], genes: RunGenes, note: Callable[[str], None]
) -> dict[str, float]:
    """The values of a column z, without the shift and the scale of a batch."""
    values, at = (
        np.array([cell.value for cell in found.values()]),
        np.array([genes.ids[id_] for id_ in found]),
    )
    lines = genes.lines(at)
    if lines is not None and genes.reference is not None:
        shared = genes.reference.take(at).measured
        values = checked_z(lines, values, shared, lambda sentence: note(f"{name}: {sentence}"))
    return dict(zip(found, values.tolist(), strict=True))


def _standardised(
    table: Table, written: _Written, found: Mapping[str, _Cell], genes: RunGenes, note: Callable[[str], None]
) -> tuple[str, dict[str, float], int]:
    """What the values were taken for, z scores by gene, and how many genes of the run have a mean."""
    unit = standardising.unit_of(
        table.source, [(cell.value, cell.line, cell.column) for cell in written.cells]
    )
    if genes.reference is None:
        raise InputError(
            f"{table.source} has no column z, and the run's graph holds no means of expression to standardise its "
            f"values with ({unit.about}); ingest and train again, or give z scores in a column z"
        )
    values = unit.as_log2(
        np.array([cell.value for cell in found.values()]), sum(cell.value for cell in written.cells)
    )
    at = np.array([genes.ids[id_] for id_ in found])
    reference, lines = genes.reference.take(at), genes.lines(at)
    standard = standardising.standardised(table.source, values, reference, unit, lines)
    if lines is not None:
        own = standard.z[reference.measured]
        tell_strange(lines, own, lambda sentence: note(f"{table.name}: {sentence}"))
    if standard.spread > standardising.WIDEST:
        note(
            f"{table.name}: its z scores spread {standard.spread:.1f} standard deviations, those of the run's lines "
            "1. The values may be of another platform, whose differences hide those of the cell line; z scores against "
            "samples of the same platform, in a column z, avoid this"
        )
    of_genes = {id_: z for id_, z in zip(found, standard.z.tolist(), strict=True) if math.isfinite(z)}
    what = (
        f"{written.place} read as {unit.about}; {standard.how}; correlation with the run's gene means "
        f"{standard.correlation:.2f}"
    )
    return what, of_genes, int(genes.reference.measured.sum())


def _read(table: Table) -> _Written:
    source, rows = table.source, table.rows
    top, header = table.header.top, table.header.names
    columns = ["".join(c for c in name.casefold() if c.isalnum()) for name in header]
    if not rows or len(header) < 2:
        raise RowError(source, top, None, ", ".join(header), "is no header with rows; give gene and z")
    if len(header) == 2 and finite_number(header[1]) is not None:
        raise RowError(source, top, None, ", ".join(header), "is no header; give one: gene,value")
    named = [at for at, name in enumerate(columns) if name in GENE_COLUMNS]
    known = [columns.index(name) for name in (*Z_COLUMNS, *VALUE_COLUMNS) if name in columns]
    if not named and not known and len(rows) == 1 and len(header) > 2:
        return _Written("one row", _along(source, header, *rows[0]), z=False)
    if not named and header[0] and len(header) > 2:
        raise RowError(
            source, top, "gene", ", ".join(header),
            "has no such column; give a row a gene, with the columns gene and z or gene and value, or one row of "
            "values below a header of genes",
        )  # fmt: skip
    gene = named[0] if named else 0
    at = known[0] if known else _only(source, header, rows, {gene, *named})
    for one in (gene, at):
        if columns.count(columns[one]) > 1:
            raise RowError(source, top, None, header[one], "is the name of two columns; keep one")
    read = [
        _cell(source, row[gene], row[at], line, header[at])
        for line, row in rows
        if not row[gene].startswith(READ_SUMMARIES)
    ]
    cells = [cell for cell in read if cell is not None]
    return _Written(f"column {header[at]}", cells, columns[at] in Z_COLUMNS, len(read) - len(cells))


def _along(source: str, header: Sequence[str], line: int | None, row: Sequence[str]) -> list[_Cell]:
    """Values of one row below a header of genes; cells in front that are no numbers, or unnamed, are labels."""
    pairs = list(zip(header, row, strict=False))
    labels = next(
        (n for n, (name, text) in enumerate(pairs) if name and finite_number(text) is not None), len(pairs)
    )
    cells = (_cell(source, name, text, line, name) for name, text in pairs[labels:])
    return [cell for cell in cells if cell is not None]


def _only(source: str, header: Sequence[str], rows: Sequence[tuple[int, list[str]]], genes: set[int]) -> int:
    """The one column that has a number in the first row that has one."""
    found = (
        [n for n, t in enumerate(row) if n not in genes and finite_number(t) is not None] for _, row in rows
    )
    others = next(filter(None, found), [])
    if not others and len(header) == 2:
        others = [n for n in (0, 1) if n not in genes]  # its first row is refused with its value
    if len(others) != 1:
        names = ", ".join(header[n] for n in others)
        which = f"columns {shortened(names)} may each hold the values" if others else "no column holds values"
        raise InputError(f"{source}: {which}; keep gene and one other column, or call it z or value")
    return others[0]


def _cell(source: str, gene: str, text: str, line: int | None, column: str) -> _Cell | None:
    """One value; None where there is none."""
    if "\n" in gene or "\r" in gene:
        raise RowError(
            source,
            line,
            "gene",
            " ".join(gene.split()),
            "has a line break; close the quote in front of it",
        )
    try:
        value = as_number(text)
    except NotANumberError as error:
        raise RowError(source, line, column, text, str(error)) from None
    return None if value is None else _Cell(gene, value, line, column)


def _by_gene(source: str, cells: Sequence[_Cell], genes: RunGenes) -> dict[str, _Cell]:
    """The value of each of the run's genes. A row of the gene's own id wins over one of another name of it, which may
    be the symbol of a gene that the graph lacks."""
    own: dict[str, _Cell] = {}
    others: dict[str, _Cell] = {}
    for cell in cells:
        id_ = genes.find(cell.gene)
        if id_ is None:
            continue
        of_id = (
            own if cell.gene == id_ or genes.names.folding(cell.gene) == genes.names.folding(id_) else others
        )
        if id_ in of_id:
            before = of_id[id_]
            place = f"row {before.line}" if before.line != cell.line else f'column "{before.column}"'
            raise RowError(source, cell.line, "gene", cell.gene, f"is {id_}, as {place} is; keep one")
        of_id[id_] = cell
    return others | own
