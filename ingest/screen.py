"""A screen as its tables say it, whatever the shape of its files; `ingest.sources.tables` makes a graph of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pharmagraph.ingest.long_table import Codes, LongTable, Row


@dataclass(frozen=True)
class Listed:
    """Drugs or cell lines with what a table says of each.

    Parameters
    ----------
    file
        What messages call the table.
    rows
        One for each, with the column ``drug`` or ``cell_line``.
    notes
        Sentences for the report.
    only_needed
        Whether the table lists more than the screen has, so that what has no response and no omics is left out.
    """

    file: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    only_needed: bool = False

    @classmethod
    def of(cls, table: LongTable) -> Listed:
        """The rows of a table in long form."""
        return cls(table.file, tuple(table), table.notes)


@dataclass(frozen=True)
class Levels:
    """Expression, or another kind of numeric omics, as a table gives it.

    Parameters
    ----------
    file
        What messages call the table.
    cell_lines
        Names, or DepMap ids of cell lines that are not named yet.
    genes
        Symbols, each once.
    values
        ``(cell lines, genes)``, NaN where not measured: expression and copy numbers as logarithms, gene effects.
    lines
        Where each gene is first, ``(genes,)``; the header is row 1.
    entrez
        Entrez id of each gene where the table has them.
    notes
        Sentences for the report.
    as_downloaded
        Whether nobody can be asked to correct the table: genes that have the same value everywhere are then counted.
    z
        Whether the values are z scores, of which means and deviations say nothing.
    """

    file: str
    cell_lines: tuple[str, ...]
    genes: tuple[str, ...]
    values: npt.NDArray[np.float64]
    lines: Codes
    entrez: Sequence[int | None] = ()
    notes: tuple[str, ...] = ()
    as_downloaded: bool = False
    z: bool = False

    @classmethod
    def of(cls, table: LongTable, *, z: bool = False) -> Levels:
        """The values of a table with a row a gene and cell line."""
        cell, gene = table.texts["cell_line"], table.texts["gene"]
        values = np.full((len(cell.names), len(gene.names)), np.nan)
        values[cell.codes, gene.codes] = table.numbers["value"]
        _, first = np.unique(gene.codes, return_index=True)
        return cls(table.file, cell.names, gene.names, values, table.lines[first], (), table.notes, z=z)


@dataclass(frozen=True)
class Mutations:
    """Mutated genes of cell lines.

    Parameters
    ----------
    file
        What messages call the table.
    cell_lines, genes
        Name or DepMap id, and symbol, of each mutated pair, ``(m,)``; a pair once.
    lines
        Row where each pair is first, ``(m,)``.
    notes
        Sentences for the report.
    """

    file: str
    cell_lines: tuple[str, ...]
    genes: tuple[str, ...]
    lines: tuple[int, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Screen:
    """What the files of a screen hold.

    Parameters
    ----------
    responses
        A row a pair: texts ``drug`` and ``cell_line``; numbers ``ln_ic50`` (ln µmol/l), ``auc`` and ``response``.
        Where there are several screens, the text ``dataset`` says which each row is of.
    drugs, cells
        What is said of drugs and cell lines.
    expression, mutations
        Omics of cell lines.
    layers
        Kind of profiles → further omics.
    notes
        Sentences about the files.
    """

    responses: LongTable
    drugs: Listed | None = None
    cells: Listed | None = None
    expression: Levels | None = None
    mutations: Mutations | None = None
    layers: Mapping[str, Levels] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
