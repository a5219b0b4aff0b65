"""Finds cell lines by their ids in other tables, and warns of lines that are known to be another one.

``misidentified_cell_lines.csv`` has the best known of the cross-contaminated lines, written from public knowledge: the
Register of Misidentified Cell Lines of ICLAC, and Cellosaurus, which have many more. `cli ingest cells` reads those.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import resources

from pharmagraph.ingest.long_table import LongTable, Row, Texts, without_repeats
from pharmagraph.ingest.names import cell_line_id, drug_id, unmatched_note
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.screen import Listed

IDS = ("depmap_id", "cosmic_id", "passport_id", "cellosaurus_id", "ccle_name")
"""Properties by which a table may call a cell line."""

_SAME = " under another id; keep one"


def names_by_id(tables: Iterable[Listed]) -> dict[str, str]:
    """Name by id, of the lines of tables; an id of two lines is left out."""
    found: dict[str, str] = {}
    shared: set[str] = set()
    for table in tables:
        for row in table.rows:
            for property_ in IDS:
                id_, name = row.values.get(property_), row["cell_line"]
                if id_ is not None and cell_line_id(found.setdefault(str(id_), name)) != cell_line_id(name):
                    shared.add(str(id_))
    return {id_: name for id_, name in found.items() if id_ not in shared}


def by_name(responses: LongTable, named: Mapping[str, str], rejections: Rejections) -> LongTable:
    """Responses whose cell lines go by name where another table has the name of an id, with a note.

    Raises
    ------
    RowError
        At the first pair that is there under a name and an id, unless rows are being rejected.
    """
    texts = responses.texts["cell_line"]
    names = [named.get(name.strip(), name) for name in texts.names]
    changed = [f"{old} is {new}" for old, new in zip(texts.names, names, strict=True) if old != new]
    if not changed:
        return responses
    joined, codes = Texts(tuple(names), texts.codes).numbered(cell_line_id)
    first = {cell_line_id(name): name for name in reversed(names)}
    cells = Texts(tuple(first[id_] for id_ in joined), codes)
    table = responses.with_texts(
        cell_line=cells, note=unmatched_note("cell lines", changed, "are found by an id")
    )
    drugs = table.texts["drug"]
    return without_repeats(
        table, [drugs.numbered(drug_id)[1], codes], rejections, "TESTED_ON", None, _SAME, [drugs, cells]
    )


@cache
def _known() -> Mapping[str, str]:
    text = (
        resources.files("pharmagraph.ingest.identities")
        .joinpath("misidentified_cell_lines.csv")
        .read_text("utf-8")
    )
    return {
        cell_line_id(row["name"]): f"misidentified: {row['true_identity']} ({row['source']})"
        for row in csv.DictReader(text.splitlines())
    }


def problem(name: str) -> str | None:
    """What is known of a misidentification of a cell line."""
    return _known().get(cell_line_id(name))


def with_problems(cells: Listed | None, names: Sequence[str], file: str) -> Listed | None:
    """What is said of cell lines, with known misidentifications among the screen's lines, and a note that warns.

    Parameters
    ----------
    cells
        What tables say of them.
    names
        Of all lines of the screen.
    file
        What messages call a table that is made here because there is none.
    """
    wrong = {cell_line_id(name): name for name in reversed(names) if problem(name)}
    if not wrong:
        return cells
    rows = {cell_line_id(row["cell_line"]): row for row in cells.rows} if cells else {}
    for id_, name in wrong.items():
        row = rows.get(id_, Row(0, {"cell_line": name}))
        rows[id_] = Row(row.line, {**row.values, "problem": problem(name)})
    known = _known()
    said = [f"{name}: {known[id_].removeprefix('misidentified: ')}" for id_, name in wrong.items()]
    note = unmatched_note("cell lines", said, "are known to be misidentified, and are loaded all the same")
    return Listed(
        cells.file if cells else file,
        tuple(rows.values()),
        (*(cells.notes if cells else ()), *note),
        cells.only_needed if cells else False,
    )
