"""Reads an independent truth about drug–gene pairs from a file: active or inactive, or an affinity.

No fit is given its pairs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pharmagraph.kg.errors import InputError, RowError, none_of
from pharmagraph.kg.names import Names
from pharmagraph.kg.reading.numbers import NotANumberError, as_number
from pharmagraph.kg.reading.table import rows as rows_of

ACTIVE_BELOW = 1000.0
"""Affinity in nmol/l at or below which a pair counts as active."""


@dataclass(frozen=True)
class Truth:
    """Pairs of a truth file that are in the graph.

    Attributes
    ----------
    active, inactive
        Whether a pair is active, or inactive, in the file; bool (n_drugs, n_genes).
    n_rows, n_shared
        Numbers of rows in the file, and of rows whose drug and gene are both in the graph.
    """

    active: np.ndarray
    inactive: np.ndarray
    n_rows: int
    n_shared: int


def read_truth(
    path: Path,
    *,
    drugs: Sequence[str],
    names: Names,
    genes: Sequence[str],
    gene_names: Names,
    active_below: float = ACTIVE_BELOW,
) -> Truth:
    """Read a table of pairs.

    Parameters
    ----------
    path
        Columns are drug, gene, and either ``active`` (0 or 1) or ``affinity`` (nmol/l, smaller for stronger binding);
        with neither, every row is an active pair. A row without a value is no pair.
    drugs
        Ids of drugs, in the order of the result's rows.
    genes
        Symbols of genes, in the order of the result's columns.
    names, gene_names
        Names that the file may use for drugs and genes.
    active_below
        Affinity in nmol/l at or below which a pair is active.

    Raises
    ------
    InputError
        If a column is missing, or no row has both a drug and a gene of the graph.
    RowError
        If a value is not a number, a name is that of several drugs or genes, or a pair is both active and not.
    """
    row_of = {id_: n for n, id_ in enumerate(drugs)}
    column_of = {symbol: n for n, symbol in enumerate(genes)}
    active = np.zeros((len(drugs), len(genes)), bool)
    inactive = np.zeros_like(active)
    n_rows = n_shared = 0
    columns, rows = rows_of(path, ("drug", "gene"), ("active", "affinity"))
    value_column = next((c for c in ("active", "affinity") if c in columns), None)
    for line, cells in rows:
        n_rows += 1
        is_active = _active(path, line, cells, value_column, active_below)
        if is_active is None:
            continue
        drug = row_of.get(names.find_in_row(str(path), line, "drug", cells["drug"]) or "")
        gene = column_of.get(gene_names.find_in_row(str(path), line, "gene", cells["gene"]) or "")
        if drug is None or gene is None:
            continue
        n_shared += 1
        if (inactive if is_active else active)[drug, gene]:
            pair = f"{cells['drug']}, {cells['gene']}"
            raise RowError(str(path), line, "gene", pair, "is active in one row and not in another; keep one")
        (active if is_active else inactive)[drug, gene] = True
    if not n_shared:
        raise InputError(
            f"{path}: {none_of(n_rows, 'row', 'has', of='its')} both a drug and a candidate gene of the graph; "
            "drugs go by name or id, genes by HGNC symbol"
        )
    if not active.any():
        raise InputError(
            f"{path}: {none_of(n_shared, 'shared pair', 'is', of='its')} active; nothing can be found"
        )
    return Truth(active, inactive, n_rows, n_shared)


def _active(path: Path, line: int, cells: Mapping[str, str], column: str | None, below: float) -> bool | None:
    """Whether a row's pair is active; None where it has no value."""
    if column is None:
        return True
    text = cells[column]
    try:
        value = as_number(text)
    except NotANumberError as error:
        expected = "is not 0 or 1" if column == "active" else "is not an affinity in nmol/l"
        raise RowError(str(path), line, column, text, error.instead(expected)) from None
    if value is None:
        return None
    if column == "active":
        if value not in (0.0, 1.0):
            raise RowError(str(path), line, column, text, "is not 0 or 1")
        return value == 1.0
    if value < 0:
        raise RowError(str(path), line, column, text, "is not an affinity in nmol/l")
    return value <= below
