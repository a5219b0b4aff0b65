"""Reads and checks the tables of a user's own screen: all that can be wrong with them is found here. It makes no graph.

DIR/responses.csv    drug, cell_line, and ln_ic50, auc or response (1 sensitive, 0 resistant)
DIR/drugs.csv        drug, smiles, pubchem_cid, max_phase, mechanism
DIR/cells.csv        cell_line, tissue, cosmic_id, depmap_id, cellosaurus_id
DIR/expression.csv   cell_line, gene, value

They may also be called ``.tsv`` or ``.txt``, and be packed; be Parquet, Arrow or Excel files; or be sheets of
these names in one workbook.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pharmagraph.ingest.expression import has_spread
from pharmagraph.ingest.gene_words import Symbols
from pharmagraph.ingest.long_table import LongTable, require_rows, without_repeats
from pharmagraph.ingest.longform import check_header, read_long
from pharmagraph.ingest.names import cell_line_id, drug_id, unmatched_note
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.structures import structures
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.reading.text import shown, stem
from pharmagraph.kg.reading.workbook import sheet_names
from pharmagraph.kg.wording import option

FILES = ("responses", "drugs", "cells", "expression")
_KINDS = {"responses": "TESTED_ON", "drugs": "Drug", "cells": "CellLine", "expression": "EXPRESSES"}
_SPELLING = " under another spelling; keep one"
_WITHOUT_SMILES = "drug without SMILES"


@dataclass(frozen=True)
class Levels:
    """Expression that varies between the cell lines.

    Attributes
    ----------
    genes
        Symbols.
    values
        ``(cell lines, genes)``, NaN where there is none; cell lines in the order of `Screen.cell_ids`.
    """

    genes: list[str]
    values: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Screen:
    """The good rows of a screen's tables.

    Attributes
    ----------
    files
        By what they hold.
    responses, drugs, cells, expression
        The tables; None where there is none.
    smiles
        Drug id → structure.
    drug_names, cell_names
        Id → name, of all that a table names.
    drug_ids, cell_ids
        Those that become nodes, in order.
    levels
        None without expression.
    notes
        Sentences about what is left out.
    """

    files: dict[str, Path]
    responses: LongTable
    drugs: LongTable | None
    cells: LongTable | None
    expression: LongTable | None
    smiles: dict[str, str]
    drug_names: dict[str, str]
    cell_names: dict[str, str]
    drug_ids: list[str]
    cell_ids: list[str]
    levels: Levels | None
    notes: tuple[str, ...]


def read_screen(folder: Path, rejections: Rejections, *, without_smiles: bool) -> Screen:
    """Read the tables of a folder; their headers are looked at before the first row is read.

    Parameters
    ----------
    folder
        A folder with the layout above.
    rejections
        Collects bad rows.
    without_smiles
        Keep drugs that have no structure.

    Raises
    ------
    InputError
        If the folder or responses.csv is missing, a file lacks a column, no response is left, or no cell line has both
        responses and expression.
    RowError
        At the first bad row, unless rows are being rejected.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give one with responses.csv in it")
    files = _files(folder)
    for kind in FILES:
        if kind in files:
            check_header(files[kind], kind)
    responses = _valid(_read(files["responses"], "responses", rejections), rejections)
    require_rows(responses, "response")
    tables = {
        kind: _read(files[kind], kind, rejections) if kind in files else None
        for kind in ("drugs", "cells", "expression")
    }
    drugs, cells, expression = tables["drugs"], tables["cells"], tables["expression"]
    drug_names = _names(drug_id, "drug", responses, drugs)
    cell_names = _names(cell_line_id, "cell_line", responses, expression, cells)
    smiles = _structures(drugs, rejections)
    bare = [d for d in drug_names if d not in smiles]
    if not without_smiles:
        responses = _with_structure(responses, set(smiles), rejections)
    cell_ids = sorted(cell_names)
    symbols = Symbols()
    lacking = _without_expression(responses, expression) if expression is not None else []
    levels = _levels(expression, cell_ids, rejections, symbols) if expression is not None else None
    structure = "" if without_smiles else f" and are left out ({option('without_smiles')} keeps them)"
    notes = (
        *unmatched_note("drugs", [drug_names[d] for d in bare], f"have no structure{structure}"),
        *unmatched_note("cell lines", lacking, "have responses and no expression"),
        *symbols.notes("expression"),
        *(
            note
            for table in (responses, drugs, cells, expression)
            if table is not None
            for note in table.notes
        ),
    )
    return Screen(
        files, responses, drugs, cells, expression, smiles, drug_names, cell_names,
        sorted(drug_names if without_smiles else smiles.keys() & drug_names.keys()), cell_ids, levels, notes,
    )  # fmt: skip


def _files(folder: Path) -> dict[str, Path]:
    """The folder's files by what they hold: by their names, and by the names of sheets of workbooks."""
    found: dict[str, Path] = {}
    for path in sorted(p for p in folder.iterdir() if p.is_file() and p.suffix):
        for kind in _held(path):
            other = found.setdefault(kind, path)
            if other != path:
                raise InputError(f"{folder} has {kind} in both {other.name} and {path.name}; keep one")
    if "responses" not in found:
        raise InputError(f"{folder / 'responses.csv'} is not a file; a table of responses is needed")
    return found


def _held(path: Path) -> set[str]:
    """The tables that a file has by its name, or a workbook by its sheets."""
    named = {stem(path)} & set(FILES)
    if path.suffix.lower() == ".xlsx" and not path.name.startswith(
        "~$"
    ):  # such is Excel's mark of an open workbook
        named |= {n.strip().casefold() for n in sheet_names(path, shown(path))} & set(FILES)
    return named


def _read(path: Path, contract: str, rejections: Rejections) -> LongTable:
    """A file's rows; further rows with the same names, once folded, are bad rows."""
    kind = _KINDS[contract]
    table = read_long(path, contract, rejections, kind=kind)
    folding: dict[str, Callable[[str], str]] = {"drug": drug_id, "cell_line": cell_line_id, "gene": str}
    columns = [c for c in folding if c in table.texts]
    codes = [table.texts[c].numbered(folding[c])[1] for c in columns]
    shown = [table.texts[c] for c in columns]
    return without_repeats(table, codes, rejections, kind, None, _SPELLING, shown)


def _names(folding: Callable[[str], str], column: str, *tables: LongTable | None) -> dict[str, str]:
    """Id → name: of several spellings the first in the last table that has one."""
    names = [n for table in tables if table is not None for n in reversed(table.texts[column].names)]
    return {folding(n): n for n in names}


def _valid(table: LongTable, rejections: Rejections) -> LongTable:
    """Responses with a label of 0 or 1 and an area that is one."""
    response, auc = table.numbers["response"], table.numbers["auc"]
    wrong = [
        (at, "response", f"{response[at]:g}", "is not 0, 1 or empty")
        for at in np.flatnonzero(~np.isin(response, (0, 1)) & ~np.isnan(response))
    ]
    wrong += [(at, "auc", f"{auc[at]:g}", "is below 0; an area cannot be") for at in np.flatnonzero(auc < 0)]
    mask = np.ones(len(table), bool)
    for at, column, text, reason in sorted(wrong):
        rejections.bad("TESTED_ON", table.file, int(table.lines[at]), column, text, reason)
        mask[at] = False
    return table.keep(mask)


def _structures(drugs: LongTable | None, rejections: Rejections) -> dict[str, str]:
    if drugs is None:
        return {}
    rows = [(r.line, drug_id(r["drug"]), r["smiles"] or "") for r in drugs]
    return structures(rows, rejections, file=drugs.file, column="smiles")


def _with_structure(table: LongTable, with_structure: set[str], rejections: Rejections) -> LongTable:
    """The responses of drugs that have a structure; others are counted."""
    drug = table.texts["drug"]
    kept = np.array([drug_id(n) in with_structure for n in drug.names], bool)
    mask = kept[drug.codes]
    rows = np.bincount(drug.codes, minlength=len(kept))
    for number in np.flatnonzero(~kept):
        rejections.set_aside(
            "TESTED_ON", table.file, None, drug.names[number], _WITHOUT_SMILES, rows=int(rows[number])
        )
    if not mask.any():
        raise InputError(
            f"none of the {len(kept):,} drugs of {table.file} has a structure; give their SMILES in drugs.csv (columns "
            f"drug and smiles), or pass {option('without_smiles')} to keep drugs without one"
        )
    return table.keep(mask)


def _without_expression(responses: LongTable, expression: LongTable) -> list[str]:
    """Names of the cell lines with responses that have no expression.

    Raises
    ------
    InputError
        If none has.
    """
    require_rows(expression, "value")
    tested, expressed = responses.texts["cell_line"].names, expression.texts["cell_line"].names
    ids = {cell_line_id(n) for n in expressed}
    lacking = [n for n in tested if cell_line_id(n) not in ids]
    if len(lacking) == len(tested):
        raise InputError(
            f"{responses.file} and {expression.file} have no cell line in common: {tested[0]} in one, {expressed[0]} "
            "in the other; call a cell line the same in both"
        )
    return lacking


def _levels(table: LongTable, cells: list[str], rejections: Rejections, symbols: Symbols) -> Levels:
    gene, number = table.texts["gene"], {c: i for i, c in enumerate(cells)}
    _, first, rows = np.unique(gene.codes, return_index=True, return_counts=True)
    lines = table.lines[first]
    usable = [
        symbols.accept(symbol, rejections, "EXPRESSES", table.file, int(line), "gene", rows=int(n))
        for symbol, line, n in zip(gene.names, lines, rows, strict=True)
    ]
    of_names = np.array([number[cell_line_id(n)] for n in table.texts["cell_line"].names])
    values = np.full((len(cells), len(gene.names)), np.nan)
    values[of_names[table.texts["cell_line"].codes], gene.codes] = table.numbers["value"]
    spread = has_spread(values)
    for at in np.flatnonzero(np.array(usable) & ~spread):
        rejections.bad(
            "EXPRESSES",
            table.file,
            int(lines[at]),
            "gene",
            gene.names[at],
            "has the same value in every cell line, so it has no z score; delete it",
        )
    kept = np.array(usable) & spread
    if not kept.any():
        raise InputError(f"{table.file} has no gene left; give HGNC symbols, whose values differ")
    return Levels([gene.names[i] for i in np.flatnonzero(kept)], values[:, kept])
