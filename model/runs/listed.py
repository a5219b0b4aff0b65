"""Reads the drugs, the cell lines and the pairs that a prediction is asked for from files. It predicts nothing.

Rows of results call each as its file does: by its name there, or a molecule without a name by its structure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pharmagraph.kg import structures
from pharmagraph.kg.errors import InputError, PharmagraphError
from pharmagraph.kg.names import Names
from pharmagraph.kg.reading.header import Header, folded
from pharmagraph.kg.reading.molecules import kind_of, molecules
from pharmagraph.kg.reading.records import records
from pharmagraph.kg.reading.table import Table
from pharmagraph.kg.reading.text import stem
from pharmagraph.model.runs.asked import Asked, DrugFinder, Known, Note
from pharmagraph.model.runs.bad_rows import BadRows, Told
from pharmagraph.model.runs.profiles import GENE_COLUMNS, VALUE_COLUMNS, Z_COLUMNS, RunGenes, read_profile

DRUG = ("drug", "drug_name", "compound", "compound_name", "compound_id", "name", "title", "id")
STRUCTURE = ("smiles", "canonical_smiles", "isomeric_smiles", "structure")
CELL_LINE = ("cell_line", "cell_line_name", "cell", "cell_name", "model_name", "model_id", "name", "id")
"""Names of columns; of several in one file the first of these is taken."""

Place = tuple[str, str, str]
"""Where a row is, a name, and a structure; either may be empty."""


@dataclass(frozen=True)
class Pairs:
    """Pairs that are asked for.

    Attributes
    ----------
    drugs, cell_lines
        Each once.
    drug, cell_line
        Their positions for every pair, int64 (n_pairs,), in the order of the file.
    """

    drugs: list[Asked]
    cell_lines: list[Asked]
    drug: npt.NDArray[np.int64]
    cell_line: npt.NDArray[np.int64]


def drugs_of_file(path: Path, ids: list[str], names: Names, note: Note, *, reject: bool) -> list[Asked]:
    """The drugs of a list, a table, an SDF or a file of SMILES.

    Parameters
    ----------
    path
        An SDF or a file of SMILES by its ending; any other is a table with a column ``drug``, ``smiles`` or both.
    ids
        Of the drugs of the run's graph, in the order of their numbers.
    names
        Of the store's drugs.
    note
        Is told what is read otherwise than written, and what is left out.
    reject
        Whether bad rows are left out.

    Raises
    ------
    InputError
        If the file cannot be read, has no row, or has a bad one: a structure that cannot be read, a name that is not
        known, or two structures of one name.
    """
    told = Told(note)
    bad = BadRows(path, "molecules" if kind_of(path) else "rows", reject)
    finder = _Drugs(DrugFinder(ids, names, told), bad)
    found: dict[str, tuple[str, Asked]] = {}
    repeated = 0
    for place, name, smiles in _drugs(path, bad):
        one = finder.of(place, name, smiles)
        if one is None:
            continue
        before, same = found.setdefault(one.name, (place, one))
        if (same.number, same.smiles) != (one.number, one.smiles):
            bad.add(
                place, one.name, f"{before} has this name with another structure; give each a name of its own"
            )
        elif before != place:
            repeated += 1
    bad.told(len(found), note)
    if not found:
        raise InputError(f"{path} has no rows; give a drug a row")
    told.end(path)
    if repeated:
        note(f"{path}: rows that repeat a drug of the file, which is predicted once: {repeated:,}")
    return [one for _, one in found.values()]


def cell_lines_of_file(
    path: Path, ids: list[str], names: Names, genes: RunGenes, note: Note, *, reject: bool
) -> list[Asked]:
    """The cell lines of a list, or of a table of expression with a column of genes and one for each new cell line.

    Parameters and errors are as in `drugs_of_file`; the values of a column are read as `read_profile` does.
    """
    _require_file(path)
    table = Table.of_file(path)
    if not table.rows:
        raise InputError(f"{path} has no rows; give a cell line a row")
    gene = next((at for at, n in enumerate(table.header.names) if _letters(n) in GENE_COLUMNS[:-1]), None)
    told = Told(note, most=6)
    if gene is not None and len(table.header.names) > 1:
        bad = BadRows(path, "columns", reject)
        found = _profiles(table, path, gene, genes, told, bad)
    else:
        bad = BadRows(path, "rows", reject)
        found = _lines(table, Known(ids, names), bad, note)
    bad.told(len(found), note)
    told.end(path)
    return found


def pairs_of_file(
    path: Path, ids: tuple[list[str], list[str]], names: tuple[Names, Names], note: Note, *, reject: bool
) -> Pairs:
    """The pairs of a table with the columns ``drug`` or ``smiles``, and ``cell_line``; otherwise as `drugs_of_file`.

    ``ids`` and ``names`` are those of drugs and of cell lines.
    """
    _require_file(path)
    told, bad = Told(note), BadRows(path, "pairs", reject)
    drugs = _Numbered(_Drugs(DrugFinder(ids[0], names[0], told), bad).of)
    known = Known(ids[1], names[1])
    lines = _Numbered(lambda place, name, _: _line(known, place, name, bad))
    drug, cell_line = [], []
    with records(path, str(path)) as table:
        header = table.header
        at_line = _first(header, CELL_LINE[:-2])
        if at_line is None:
            raise header.lacks(["cell_line"], needed=["drug or smiles", "cell_line"])
        at_name, at_smiles = _drug_columns(header)
        for batch in table.batches():
            for row in batch.bad:
                bad.add(f"row {row.line}", row.value, row.reason)
            for number, cells in zip(batch.lines, batch.rows, strict=True):
                name = cells[at_name] if at_name is not None else ""
                d = drugs.of(number, name, cells[at_smiles] if at_smiles is not None else "")
                c = lines.of(number, cells[at_line], "") if d >= 0 else -1
                if c >= 0:
                    drug.append(d)
                    cell_line.append(c)
                elif lines.seen_before if d >= 0 else drugs.seen_before:
                    bad.n += 1  # its reason has been told
    bad.told(len(drug), note)
    if not drug:
        raise InputError(f"{path} has no rows; give a pair a row")
    told.end(path)
    of_drugs, of_lines = np.array(drug, np.int64), np.array(cell_line, np.int64)
    once = np.sort(np.unique(of_drugs * len(lines.found) + of_lines, return_index=True)[1])
    if len(once) < len(drug):
        note(
            f"{path}: rows that repeat a pair of the file, which is predicted once: {len(drug) - len(once):,}"
        )
    return Pairs(drugs.found, lines.found, of_drugs[once], of_lines[once])


class _Drugs:
    """Finds the drugs of rows; a row that has none becomes a bad one."""

    def __init__(self, finder: DrugFinder, bad: BadRows) -> None:
        self._finder, self._bad = finder, bad

    def of(self, place: str, name: str, smiles: str) -> Asked | None:
        """The drug of a row; None where it is bad."""
        try:
            if smiles:
                one = self._finder.by_structure(smiles)
            elif not name:
                raise InputError("it has neither a name nor a structure")
            elif self._bad.enough and self._finder.names.find(name) is None and structures.unreadable(name):
                raise InputError("it is not known")  # to look for names that are near takes long
            else:
                one = self._finder.by_name(name)
        except PharmagraphError as error:
            self._bad.add(place, name or smiles, str(error))
            return None
        return replace(one, name=name or smiles)


class _Numbered:
    """Numbers what rows name, in the order in which it first occurs; -1 for what is bad."""

    def __init__(self, of: Callable[[str, str, str], Asked | None]) -> None:
        self._of, self._number, self._at = of, dict[tuple[str, str], int](), dict[Asked, int]()
        self.found: list[Asked] = []
        self.seen_before = False

    def of(self, row: int, name: str, other: str) -> int:
        """The number of what a row names."""
        key = (name, other)
        number = self._number.get(key)
        self.seen_before = number is not None
        if number is None:
            one = self._of(f"row {row}", name, other)
            number = -1
            if one is not None:
                number = self._at.setdefault(one, len(self.found))
                if number == len(self.found):
                    self.found.append(one)
            self._number[key] = number
        return number


def _drugs(path: Path, bad: BadRows) -> Iterator[Place]:
    """The rows of a file of drugs; those that cannot be read become bad ones."""
    _require_file(path)
    if kind_of(path) is not None:
        for molecule in molecules(path):
            if molecule.reason:
                bad.add(molecule.place, molecule.title, molecule.reason)
            else:
                yield molecule.place, molecule.title, molecule.smiles
        return
    with records(path, str(path)) as table:
        at_name, at_smiles = _drug_columns(table.header)
        for batch in table.batches():
            for row in batch.bad:
                bad.add(f"row {row.line}", row.value, row.reason)
            for number, cells in zip(batch.lines, batch.rows, strict=True):
                name = cells[at_name] if at_name is not None else ""
                yield f"row {number}", name, cells[at_smiles] if at_smiles is not None else ""


def _drug_columns(header: Header) -> tuple[int | None, int | None]:
    name, smiles = _first(header, DRUG), _first(header, STRUCTURE)
    if name is None and smiles is None:
        raise InputError(
            f"{header.lacks(['drug', 'smiles'])}; a file of SMILES without a header ends in .smi"
        )
    return name, smiles


def _first(header: Header, words: tuple[str, ...]) -> int | None:
    return next((at for word in words if (at := header.find(word)) is not None), None)


def _letters(name: str) -> str:
    return "".join(c for c in name.casefold() if c.isalnum())


def _lines(table: Table, known: Known, bad: BadRows, note: Note) -> list[Asked]:
    at = _first(table.header, CELL_LINE)
    if at is None:
        raise InputError(
            f"{table.header.lacks(['cell_line'])}; expression of new cell lines has a column gene, and one of values "
            "for each cell line"
        )
    found, rows = dict[str, Asked](), 0
    for number, row in table.rows:
        one = _line(known, f"row {number}", row[at], bad)
        if one is not None:
            rows += 1
            found.setdefault(one.name, one)
    if rows > len(found):
        note(
            f"{bad.path}: {rows - len(found):,} rows repeat a cell line of the file, which is predicted once"
        )
    return list(found.values())


def _line(known: Known, place: str, name: str, bad: BadRows) -> Asked | None:
    try:
        if not name:
            raise InputError("it has no cell line")
        if bad.enough and not known.has(name):
            raise InputError("it is not known")
        return replace(known.by_name(name), name=name)
    except PharmagraphError as error:
        bad.add(place, name, str(error))
        return None


def _profiles(table: Table, path: Path, gene: int, genes: RunGenes, told: Note, bad: BadRows) -> list[Asked]:
    """A new cell line for each column of values."""
    header = table.header
    columns = [at for at, name in enumerate(header.names) if at != gene and name]
    found: dict[str, Asked] = {}
    for at in columns:
        name = header.names[at]
        is_word = folded(name).replace("_", "") in (*Z_COLUMNS, *VALUE_COLUMNS)
        called = stem(path) if is_word and len(columns) == 1 else name
        own = Header(f"{path}, column {name}", header.top, (header.names[gene], name))
        try:
            if called in found:
                raise InputError("two columns have this name; give each its own")
            profile = Table(own.source, own, [(line, [row[gene], row[at]]) for line, row in table.rows])
            found[called] = Asked(called, z=read_profile(profile, genes, told))
        except PharmagraphError as error:
            bad.add(f"column {name}", "", str(error))
    return list(found.values())


def _require_file(path: Path) -> None:
    if path.is_dir():
        raise InputError(f"{path} is a folder; give a file")
    if not path.is_file() and not path.parent.is_file():  # a sheet of a workbook
        raise InputError(f"{path}: there is no such file; give a table, an SDF or a file of SMILES")
