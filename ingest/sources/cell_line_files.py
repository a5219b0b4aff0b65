"""Reads identities of cell lines from the files that people download: Passports, DepMap, GDSC and Cellosaurus.

The shape is told from the header. What an identity means for the graph is decided in `ingest.sources.cell_lines`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from pharmagraph.ingest.contracts import fault_of_name
from pharmagraph.ingest.longform import table_rows
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.names import fold
from pharmagraph.kg.reading.records import records
from pharmagraph.kg.reading.text import existing, opened, shown

ID_FORMS: dict[str, re.Pattern[str]] = {
    "depmap_id": re.compile(r"ACH-\d{6}"),
    "passport_id": re.compile(r"SIDM\d{5}"),
    "cosmic_id": re.compile(r"[1-9]\d*"),
    "cellosaurus_id": re.compile(r"CVCL_[A-Z0-9]{4}"),
    "ccle_name": re.compile(r"[A-Za-z0-9.-]+(_\w+)?"),
}
"""Property of a CellLine that is an id → the form of its values."""

_NOTHING = {"", "nan", "none", "unknown", "na", "n/a"}
_SEPARATORS = re.compile(r"\s*[;|]\s*|,\s+")
_PROBLEM = re.compile(r"misidentif|contaminat", re.IGNORECASE)
_VERB = re.compile(r"\b(?:has|have|is|are|was|were|shows?)\b")
_WANTED = (
    "the model list of Cell Model Passports, Model.csv or sample_info.csv of DepMap, Cell_Lines_Details of GDSC, or "
    "cellosaurus.txt is needed"
)
_TOTAL = "TOTAL:"
"""Where the name stands in the last row of Cell_Lines_Details, which has sums."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A cell line as a file describes it.

    Parameters
    ----------
    line
        Where it begins in the file.
    name, synonyms
        As written.
    ids
        Property → values, of any number; a key of `ID_FORMS`.
    tissue
        In lower case, without blanks.
    problem
        What is known of a misidentification or contamination.
    """

    line: int
    name: str
    synonyms: tuple[str, ...] = ()
    ids: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tissue: str | None = None
    problem: str | None = None

    @property
    def shown(self) -> str:
        """The name, or the first id of a line without a name."""
        return self.name or next(iter(self.ids.values()))[0]


@dataclass(frozen=True)
class _Shape:
    """The columns of a table, in lower case; of ``names`` the first that is filled is the name."""

    names: tuple[str, ...]
    ids: Mapping[str, str]
    synonyms: tuple[str, ...]
    tissue: str
    problems: tuple[str, ...]
    relations: tuple[str, ...] = ()


_PASSPORTS = _Shape(
    ("model_name",),
    {
        "passport_id": "model_id",
        "depmap_id": "broad_id",
        "cosmic_id": "cosmic_id",
        "ccle_name": "ccle_id",
        "cellosaurus_id": "rrid",
    },
    ("synonyms",),
    "tissue",
    ("model_comments",),
    ("model_relations_comment",),
)
_MODEL = _Shape(
    ("celllinename", "strippedcelllinename"),
    {
        "depmap_id": "modelid",
        "passport_id": "sangermodelid",
        "cosmic_id": "cosmicid",
        "ccle_name": "cclename",
        "cellosaurus_id": "rrid",
    },
    ("strippedcelllinename",),
    "oncotreelineage",
    ("publiccomments",),
)
_SAMPLE_INFO = _Shape(
    ("cell_line_name", "stripped_cell_line_name"),
    {
        "depmap_id": "depmap_id",
        "passport_id": "sanger_model_id",
        "cosmic_id": "cosmicid",
        "ccle_name": "ccle_name",
        "cellosaurus_id": "rrid",
    },
    ("stripped_cell_line_name", "alias"),
    "lineage",
    ("cellosaurus_issues",),
)
_GDSC_DETAILS = _Shape(
    ("sample name",), {"cosmic_id": "cosmic identifier"}, (), "gdsc tissue descriptor 1", ()
)
_GDSC_LISTING = _Shape(
    ("cell line name",), {"passport_id": "model id", "cosmic_id": "cosmic id"}, (), "tissue", ()
)
MOST = 500_000
"""Cell lines that a file may name: three times as many as Cellosaurus has."""

_SHAPES: dict[tuple[str, str], _Shape] = {
    ("model_id", "model_name"): _PASSPORTS,
    ("modelid", "strippedcelllinename"): _MODEL,
    ("depmap_id", "stripped_cell_line_name"): _SAMPLE_INFO,
    ("sample name", "cosmic identifier"): _GDSC_DETAILS,
    ("cell line name", "tissue sub-type"): _GDSC_LISTING,
}
"""Columns that tell a shape."""


def read_identities(path: Path, rejections: Rejections) -> list[Identity]:
    """Read a file of any of the shapes, packed or not.

    Parameters
    ----------
    path
        ``.csv``, ``.tsv`` or ``.txt``.
    rejections
        Collects ids of another form than theirs, and names that are none, which are left out; they never stop a load.

    Raises
    ------
    InputError
        If it is none of them, is cut short, or holds no cell line.
    """
    existing(path, what=_WANTED)
    found = _cellosaurus(path) if _is_cellosaurus(path) else _table(path, rejections)
    identities = [_with_names(one, path, rejections) for one in islice(found, MOST + 1)]
    if len(identities) > MOST:
        raise InputError(f"{shown(path)} has more than {MOST:,} cell lines; {_WANTED}")
    if not identities:
        raise InputError(f"{shown(path)} has no cell line below its header; {_WANTED}")
    return identities


def _with_names(identity: Identity, path: Path, rejections: Rejections) -> Identity:
    """A cell line without names that no name may be, such as with control characters."""
    faults = {n: reason for n in (identity.name, *identity.synonyms) if (reason := fault_of_name(n))}
    for name, reason in faults.items():
        said = f"{reason}; the name is left out"
        rejections.set_aside("CellLine", shown(path), identity.line, name, said, rows=1)
    if not faults:
        return identity
    name = "" if identity.name in faults else identity.name
    return replace(identity, name=name, synonyms=tuple(s for s in identity.synonyms if s not in faults))


def _is_cellosaurus(path: Path) -> bool:
    """Whether a line of the first 200 begins an entry; some 50 lines about the release come before the first one."""
    with records(path) as table:
        if not table.separator:  # a workbook, or columns with types
            return False
    with opened(path) as file:
        return any(line.startswith("ID   ") for line, _ in zip(file, range(200), strict=False))


def _table(path: Path, rejections: Rejections) -> Iterator[Identity]:
    shape = _shape(path)
    for line, row in table_rows(path, (), rejections, kind="CellLine", what=_WANTED):
        ids = {}
        for property_, column in shape.ids.items():
            values = tuple(_ids(row.get(column, ""), property_, path, line, column, rejections))
            if values:
                ids[property_] = values
        name = next((row[c] for c in shape.names if not _is_nothing(row.get(c, ""))), "")
        if (not name and not ids) or name == _TOTAL:
            continue
        synonyms = tuple(s for c in shape.synonyms for s in _parts(row.get(c, "")))
        tissue = row.get(shape.tissue, "")
        yield Identity(
            line,
            name,
            synonyms,
            ids,
            None if _is_nothing(tissue) else re.sub(r"\s+", "_", tissue.lower()),
            _problem(name, row, shape),
        )


def _shape(path: Path) -> _Shape:
    """The shape of a table by its header; no column may be there twice."""
    with records(path) as table:
        columns = [name.lower() for name in table.header.names]
    for shape_columns, shape in _SHAPES.items():
        if set(shape_columns) <= set(columns):
            used = {*shape.names, *shape.ids.values(), *shape.synonyms, shape.tissue}
            for column in sorted(used):
                if columns.count(column) > 1:
                    raise InputError(
                        f"{shown(path)}, row 1: the column {column} is there {columns.count(column)} times; keep one"
                    )
            return shape
    shown_columns = ", ".join(columns[:6]) + (", …" if len(columns) > 6 else "")
    raise InputError(f"{shown(path)}, row 1: the columns ({shown_columns}) are of no known file; {_WANTED}")


def _ids(
    text: str, property_: str, path: Path, line: int, column: str, rejections: Rejections
) -> Iterator[str]:
    for part in dict.fromkeys(_parts(text)):
        id_ = re.sub(r"\.0$", "", part) if property_ == "cosmic_id" else part
        if ID_FORMS[property_].fullmatch(id_):
            yield id_
        else:
            reason = f"is no {property_}, in column {column}; the value is left out"
            rejections.set_aside("CellLine", shown(path), line, part, reason, rows=1)


def _problem(name: str, row: Mapping[str, str], shape: _Shape) -> str | None:
    """What a comment says of a misidentification.

    A comment on relations may speak of other lines: of it, the first sentence counts whose subject the line is.
    """
    for column in shape.problems:
        text = row.get(column, "")
        if not _is_nothing(text) and (column == "cellosaurus_issues" or _PROBLEM.search(text)):
            return text
    for column in shape.relations:
        for sentence in re.split(r"\n+|(?<=\.)\s+", row.get(column, "")):
            subject = _VERB.split(sentence, maxsplit=1)[0]
            if name and _PROBLEM.search(sentence) and fold(name) in fold(subject):
                return sentence.strip()
    return None


def _parts(text: str) -> list[str]:
    return [part for part in _SEPARATORS.split(text.strip()) if not _is_nothing(part)]


def _is_nothing(text: str) -> bool:
    return text.strip().lower() in _NOTHING


_DATABASES = {
    "DepMap": "depmap_id",
    "Cell_Model_Passport": "passport_id",
    "Cosmic-CLP": "cosmic_id",
    "Cosmic": "cosmic_id",
    "CCLE": "ccle_name",
}
"""Database in a DR line of Cellosaurus → property."""
_CLAIM = "Problematic cell line: "


def _cellosaurus(path: Path) -> Iterator[Identity]:
    """Human entries of Cellosaurus, which end with ``//``.

    A line may have several COSMIC samples. Those of the Cell Lines Project, one a line, come first.
    """
    entry: dict[str, list[str]] = {}
    begun = 0
    with opened(path) as file:
        for number, text in enumerate(file, start=1):
            code, value = text[:2], text[5:].rstrip()
            if code == "ID":
                entry, begun = {}, number
            if code == "//":
                if "ID" in entry and any(x.startswith("NCBI_TaxID=9606") for x in entry.get("OX", ())):
                    yield _entry(entry, begun)
                entry = {}
            elif text[2:5] == "   ":
                entry.setdefault(code, []).append(value)
    if "ID" in entry:
        raise InputError(f"{shown(path)} ends within the entry {entry['ID'][0]}; fetch it again")


def _entry(entry: Mapping[str, list[str]], line: int) -> Identity:
    ids: dict[str, tuple[str, ...]] = {"cellosaurus_id": (entry["AC"][0],)} if "AC" in entry else {}
    by_database: dict[str, list[str]] = {}
    for reference in entry.get("DR", ()):
        database, _, accession = reference.partition("; ")
        by_database.setdefault(database, []).append(accession)
    for database, property_ in _DATABASES.items():
        form = ID_FORMS[property_].fullmatch
        values = tuple(dict.fromkeys(a for a in by_database.get(database, ()) if form(a)))
        if values:
            ids.setdefault(property_, values)
    synonyms = tuple(s for names in entry.get("SY", ()) for s in names.split("; ") if s)
    problem = next((c.removeprefix(_CLAIM) for c in entry.get("CC", ()) if c.startswith(_CLAIM)), None)
    return Identity(line, entry["ID"][0], synonyms, ids, None, problem)
