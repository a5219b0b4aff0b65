"""Reads the files of a screen, and gives a cell line one name in all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pharmagraph.ingest.identities.cell_lines import IDS, by_name, names_by_id
from pharmagraph.ingest.long_table import LongTable, Row, Texts, require_rows
from pharmagraph.ingest.names import cell_line_id, drug_id, unmatched_note
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.screen import Levels, Listed, Mutations, Screen
from pharmagraph.ingest.shapes.recognise import Files, Found, both, described
from pharmagraph.ingest.shapes.shape import (
    DRUGS,
    EXPRESSION,
    LAYERS,
    MUTATIONS,
    PARTS,
    RESPONSES,
    Companions,
    Part,
)
from pharmagraph.ingest.units.given import NOTHING_SAID, Given
from pharmagraph.kg.errors import InputError, none_of

_NO_NAME = "are known by a DepMap id alone, and are left out: put DepMap's Model.csv beside it"


def read_screen(files: Files, rejections: Rejections, units: Given = NOTHING_SAID) -> Screen:
    """Read the files of a screen.

    Parameters
    ----------
    files
        With a table of responses.
    rejections
        Collects bad rows.
    units
        What the user says of units, by measure.

    Raises
    ------
    InputError
        If a file cannot be read, a unit is not clear or contradicts values, or no response is left.
    RowError
        At the first bad row, unless rows are being rejected.
    """
    companions = Companions(
        {f.shape.name: f.path for f in files.found if not f.shape.gives},
        units,
        tuple((f.path, f.shape.naming) for f in files.found),
    )
    read = [
        (f, f.shape.read(f.path, companions, rejections))
        for name in PARTS
        for f in files.of(name)
        if f.shape.read is not None
    ]
    parts = {f.shape.gives: part for f, part in read}
    screens = [(f, part) for f, part in read if f.shape.gives == RESPONSES]
    listed = [part.cells for _, part in read if part.cells is not None]
    named = names_by_id(listed)
    responses = _one_table(screens)
    require_rows(responses, "response", rejections)
    responses = by_name(responses, named, rejections)
    expression = parts[EXPRESSION].expression if EXPRESSION in parts else None
    mutations = parts[MUTATIONS].mutations if MUTATIONS in parts else None
    cells = _joined(
        responses,
        listed,
        {cell_line_id(n) for n in (expression.cell_lines if expression else ())},
    )
    named |= names_by_id([cells])
    notes = [f"found: {described(files)}", *files.others, *(n for _, part in read for n in part.notes)]
    notes += [
        f"not read: {f.name}, {f.shape.name}; {f.shape.instead.format(file=f.name)}"
        for f in files.found
        if f.shape.instead
    ]
    own = parts[DRUGS].drugs if DRUGS in parts else None
    expression = _named_levels(expression, named) if expression else None
    of_expression = expression.cell_lines if expression else ()
    of_cells = [row["cell_line"] for row in cells.rows]
    tested = responses.texts["cell_line"].names
    screened = {cell_line_id(n): n for names in (of_expression, of_cells, tested) for n in names}
    known = {id_: name for id_, name in named.items() if cell_line_id(name) in screened}
    return Screen(
        responses,
        own or _first_said([part.drugs for _, part in screens if part.drugs is not None]),
        cells if cells.rows else None,
        expression,
        _named_mutations(mutations, named) if mutations else None,
        {
            kind: _of_screen(layer, known, screened)
            for kind in LAYERS
            if kind in parts and (layer := parts[kind].layer)
        },
        tuple(notes),
    )


def _one_table(screens: Sequence[tuple[Found, Part]]) -> LongTable:
    """The responses of all screens; where there are several, with the dataset of each row.

    Raises
    ------
    InputError
        If two files are of one screen, or do not say of which they are.
    """
    tables = [part.responses for _, part in screens if part.responses is not None]
    if len(tables) == 1:
        return tables[0]
    first: dict[str | None, Found] = {None: screens[0][0]}
    for found, part in screens:
        if first.setdefault(part.dataset, found) is not found:
            raise both(found.path.parent, first[part.dataset], found)
    n = [len(table) for table in tables]
    texts = {c: _stacked([t.texts[c] for t in tables]) for c in ("drug", "cell_line")}
    texts["dataset"] = Texts(
        tuple(part.dataset or "" for _, part in screens), np.repeat(np.arange(len(tables)), n)
    )
    return LongTable(
        " and ".join(table.file for table in tables),
        np.concatenate([table.lines for table in tables]),
        texts,
        {c: np.concatenate([t.numbers[c] for t in tables]) for c in ("ln_ic50", "auc", "response")},
        ("response",),
        tuple(
            f"{part.dataset}: {n}"
            for _, part in screens
            if part.responses is not None
            for n in part.responses.notes
        ),
    )


def _stacked(columns: Sequence[Texts]) -> Texts:
    """Columns one below the other."""
    number: dict[str, int] = {}
    for column in columns:
        for name in column.names:
            number.setdefault(name, len(number))
    codes = [np.array([number[n] for n in column.names], np.int64)[column.codes] for column in columns]
    return Texts(tuple(number), np.concatenate(codes))


def _first_said(tables: Sequence[Listed]) -> Listed | None:
    """What all screens say of their drugs; of several values the first."""
    if len(tables) < 2:
        return tables[0] if tables else None
    known: dict[str, Row] = {}
    for table in tables:
        for row in table.rows:
            before = known.setdefault(drug_id(row["drug"]), row)
            said = {c: v for c, v in before.values.items() if v is not None}
            known[drug_id(row["drug"])] = Row(before.line, {**row.values, **said})
    return Listed(
        " and ".join(t.file for t in tables), tuple(known.values()), tuple(n for t in tables for n in t.notes)
    )


def _joined(responses: LongTable, tables: Sequence[Listed], expressed: set[str]) -> Listed:
    """What all tables say of the cell lines; a line is found by an id, or else by its name, unless their ids differ.

    A line has the name that the responses give it, or else that of the last table.
    """
    tested = {cell_line_id(n): n for n in reversed(responses.texts["cell_line"].names)}
    known: dict[str, dict[str, Any]] = {}
    lines: dict[str, int] = {}
    for table in tables:
        owner = {(c, row[c]): id_ for id_, row in known.items() for c in IDS if row.get(c) is not None}
        filled: set[str] = set()
        for row in table.rows:
            by_id = [owner[c, row.values[c]] for c in IDS if (c, row.values.get(c)) in owner]
            id_ = by_id[0] if by_id else cell_line_id(row["cell_line"])
            before = known.get(id_, {})
            clash = not by_id and any(
                before.get(c) is not None and row.values.get(c) not in (None, before[c]) for c in IDS
            )
            needed = (
                id_ in tested
                or id_ in expressed
                or any(cell_line_id(str(row.values.get(c) or "")) in expressed for c in IDS)
            )
            if clash or id_ in filled or (table.only_needed and not needed):
                continue
            filled.add(id_)
            lines.setdefault(id_, row.line)
            given = {c: v for c, v in row.values.items() if v is not None}
            name = tested.get(id_, given["cell_line"])
            known[id_] = {**given, **before, "cell_line": name} if table.only_needed else {**before, **given}
    file = tables[-1].file if tables else responses.file
    rows = tuple(Row(lines[id_], row) for id_, row in known.items())
    return Listed(file, rows, tuple(n for t in tables for n in t.notes))


def _named_levels(levels: Levels, named: Mapping[str, str]) -> Levels:
    """Expression of cell lines that have a name; no line may be there twice.

    Raises
    ------
    InputError
        If none has, or one is.
    """
    if not levels.as_downloaded and not named.keys() & set(levels.cell_lines):
        return levels
    names, kept, notes = _names(levels.cell_lines, named)
    if not names:
        raise InputError(f"{levels.file}: all {len(levels.cell_lines):,} cell lines {_NO_NAME}")
    first: dict[str, str] = {}
    for name in names:
        other = first.setdefault(cell_line_id(name), name)
        if other is not name:
            raise InputError(f"{levels.file}: {other} and {name} are the same cell line; keep one")
    return replace(levels, cell_lines=tuple(names), values=levels.values[kept], notes=(*levels.notes, *notes))


def _of_screen(levels: Levels, named: Mapping[str, str], screened: Mapping[str, str]) -> Levels:
    """Further omics of the screen's cell lines, with their names; a download has their DepMap ids.

    Parameters
    ----------
    levels
        As the file has them.
    named, screened
        DepMap id, and id, of the screen's cell lines → name.

    Raises
    ------
    InputError
        If it has none of them.
    """
    names = [named.get(line) or screened.get(cell_line_id(line), "") for line in levels.cell_lines]
    kept = np.flatnonzero(np.array([bool(n) for n in names], bool))
    if not len(kept):
        none = none_of(len(names), "cell line", "is", of="its")
        raise InputError(
            f"{levels.file}: {none} known to be in the screen; put DepMap's Model.csv beside it"
            if levels.as_downloaded
            else f"{levels.file}: {none} in the screen ({levels.cell_lines[0]} is one); call each "
            "cell line the same in both"
        )
    others = len(names) - len(kept)
    notes = (
        (f"cell lines of {levels.file} that are not in the screen, and are left out: {others:,}",)
        if others
        else ()
    )
    return replace(
        levels,
        cell_lines=tuple(names[i] for i in kept),
        values=levels.values[kept],
        notes=(*levels.notes, *notes),
    )


def _named_mutations(mutations: Mutations, named: Mapping[str, str]) -> Mutations:
    names, kept, notes = _names(mutations.cell_lines, named)
    return Mutations(
        mutations.file,
        tuple(names),
        tuple(mutations.genes[i] for i in kept),
        tuple(mutations.lines[i] for i in kept),
        (*mutations.notes, *notes),
    )


def _names(cell_lines: Sequence[str], named: Mapping[str, str]) -> tuple[list[str], Any, Iterable[str]]:
    """Names of the lines that have one, where these are, and a note on the others."""
    names = [named.get(line, "" if line.startswith("ACH-") else line) for line in cell_lines]
    kept = np.flatnonzero(np.array([bool(n) for n in names], bool))
    nameless = {line for line, name in zip(cell_lines, names, strict=True) if not name}
    return [names[i] for i in kept], kept, unmatched_note("cell lines", nameless, _NO_NAME)
