"""Reads what a laboratory has: stocks of drugs, and cell lines in culture. Compounds are read by `runs.listed`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from pharmagraph.kg.errors import InputError, ModelError, RowError
from pharmagraph.kg.names import Names
from pharmagraph.kg.reading.numbers import NO_VALUE, NotANumberError, as_number
from pharmagraph.kg.reading.table import rows
from pharmagraph.kg.wording import named

_WORDS = {"drug": "drug", "cell_line": "cell line"}


def read_stocks(path: Path, names: Names, compounds: Collection[str]) -> dict[str, int | None]:
    """A table with the column ``drug``, and ``wells`` if it has one: for how many wells there is enough of each.

    Parameters
    ----------
    path
        The file.
    names
        Of the graph's drugs.
    compounds
        Names of new compounds, which may have stocks, too.

    Returns
    -------
    dict
        Id of a drug, or name of a compound → wells; None where the file does not say.

    Raises
    ------
    RowError
        If a drug is neither in the graph nor a new compound, is there twice, or its wells are no number from 0.
    InputError
        If the file cannot be read or has no rows.
    """
    _, found = rows(path, ["drug"], ["wells"])
    stocks: dict[str, int | None] = {}
    for line, row in found:
        text = row["drug"].strip()
        id_ = text if text in compounds else names.find_in_row(str(path), line, "drug", text)
        if id_ is None:
            near = names.not_found(text).near
            way = f"did you mean {', '.join(near)}? " if near else ""
            raise RowError(
                str(path), line, "drug", text,
                f"is no drug of the graph; {way}of a new compound give the structure: {named('compounds')} FILE",
            )  # fmt: skip
        if id_ in stocks:
            raise RowError(str(path), line, "drug", text, f"is {id_}, which is there twice; keep one")
        stocks[id_] = _wells(path, line, row.get("wells", ""))
    if not stocks:
        raise InputError(f"{path} has no rows below its header; give a stock a row")
    return stocks


def _wells(path: Path, line: int, text: str) -> int | None:
    if text.strip().lower() in NO_VALUE:
        return None
    try:
        wells = as_number(text)
    except NotANumberError as error:
        raise RowError(str(path), line, "wells", text, str(error)) from None
    if wells is None or wells < 0 or wells != int(wells):
        raise RowError(str(path), line, "wells", text, "is no number of wells; give 0, 1, 2 …")
    return int(wells)


def read_cell_lines(path: Path, names: Names) -> list[str]:
    """Ids in a table with the column ``cell_line``, each once.

    Raises
    ------
    RowError
        If one is not in the graph.
    InputError
        If the file cannot be read or has no rows.
    """
    _, found = rows(path, ["cell_line"])
    ids = []
    for line, row in found:
        id_ = names.find_in_row(str(path), line, "cell_line", row["cell_line"])
        if id_ is None:
            near = names.not_found(row["cell_line"]).near
            way = f"did you mean {', '.join(near)}?" if near else "see: cli status"
            raise RowError(
                str(path), line, "cell_line", row["cell_line"], f"is no cell line of the graph; {way}"
            )
        ids.append(id_)
    if not ids:
        raise InputError(f"{path} has no rows below its header; give a cell line a row")
    return list(dict.fromkeys(ids))


def numbers(ids: Sequence[str], wanted: Sequence[str], kind: str) -> list[int]:
    """Numbers of drugs, or cell lines (``cell_line``), in a run's graph.

    Raises
    ------
    ModelError
        If one came into the graph later.
    """
    at = {id_: number for number, id_ in enumerate(ids)}
    for id_ in wanted:
        if id_ not in at:
            raise ModelError(
                f"{_WORDS[kind]} {id_} came into the graph after this run was trained; train again: cli train"
            )
    return [at[id_] for id_ in wanted]
