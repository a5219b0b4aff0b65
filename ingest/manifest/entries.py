"""What a manifest may say, and the checks that need no other file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pharmagraph.ingest import dataset_ids
from pharmagraph.ingest.contracts import FILES, FileContract
from pharmagraph.ingest.manifest.document import Value, read_document, unknown
from pharmagraph.ingest.shapes.shape import CELLS, DRUGS, EXPRESSION, LAYERS, MUTATIONS, RESPONSES
from pharmagraph.ingest.shapes.wide import MEASURES
from pharmagraph.ingest.threshold import parse
from pharmagraph.ingest.units.given import given
from pharmagraph.kg.errors import InputError, shortened
from pharmagraph.kg.reading.header import folded

NAME = "manifest.yaml"

OPEN = "fill-in"
"""What stands where a person has to decide."""

PARTS = {
    "responses": RESPONSES,
    "drugs": DRUGS,
    "cell_lines": CELLS,
    "expression": EXPRESSION,
    "mutations": MUTATIONS,
    **{layer: layer for layer in LAYERS},
}
"""What a manifest calls a part of a screen → the part."""

CONTRACTS: dict[str, FileContract] = {
    **{part: FILES[part] for part in (RESPONSES, DRUGS, CELLS, EXPRESSION)},
    **dict.fromkeys(LAYERS, FILES["omics"]),
    MUTATIONS: FileContract(
        ("cell_line", "gene"), ("value",), numbers=("value",), names=("cell_line",), key=("cell_line", "gene")
    ),
}
"""Part → its columns in long form."""

COLUMNS = {
    part: tuple({"ln_ic50": "ic50"}.get(c, c) for c in contract.columns)
    for part, contract in CONTRACTS.items()
}
"""Part → the columns that a manifest may name; IC50s may be in any unit there."""

SIDES = {
    RESPONSES: ("drug", "cell_line"),
    **dict.fromkeys((EXPRESSION, MUTATIONS, *LAYERS), ("gene", "cell_line")),
}
"""Part → what may lie down the side of a wide table of it."""

_TOP = ("name", "threshold", *PARTS)
_LONG, _WIDE = "long", "wide"
_ELSEWHERE = {
    "targets": "cli ingest targets FILE",
    "methylation": "cli ingest omics FILE --kind methylated",
    "interactions": "cli ingest interactions FILE",
    "pathways": "cli ingest pathways FILE",
}
"""What a manifest may be expected to hold, and the command that loads it once the screen is there."""


@dataclass(frozen=True)
class Entry:
    """What a manifest says of one part of a screen.

    Parameters
    ----------
    part
        One of the parts of `ingest.shapes.shape`.
    at
        Its place in the manifest, for messages.
    path
        The file, or a sheet of a workbook.
    columns
        Column of `COLUMNS` → its name in the file; empty where the file's shape is found from its content.
    wide
        Whether names are down the side and along the top.
    rows
        What is down the side of a wide table; empty where names tell.
    values
        What the values of a wide table of responses are; empty where its first column's name tells.
    units
        Unit by measure, as `ingest.units.given` has them.
    skip
        Columns of a wide table that hold no values.
    """

    part: str
    at: Value
    path: Path
    columns: Mapping[str, str] = field(default_factory=dict)
    wide: bool = False
    rows: str = ""
    values: str = ""
    units: Mapping[str, str] = field(default_factory=dict)
    skip: tuple[str, ...] = ()


@dataclass(frozen=True)
class Manifest:
    """What a manifest says.

    Parameters
    ----------
    path
        The file.
    entries
        A part of the screen each.
    name
        Id of the dataset; empty for the folder's name.
    threshold
        Rule by which ln IC50 is labelled; empty for the usual one.
    """

    path: Path
    entries: tuple[Entry, ...]
    name: str = ""
    threshold: str = ""


def manifest_of(place: Path) -> Manifest | None:
    """The manifest of a folder, None where it has none.

    Raises
    ------
    InputError
        If it cannot be read, or says what no manifest may.
    """
    path = place / NAME
    return read_manifest(path) if path.is_file() else None


def read_manifest(path: Path) -> Manifest:
    """Read a manifest.

    Raises
    ------
    InputError
        Naming the line, what stands there, and what may.
    """
    document = read_document(path)
    if isinstance(document.content, dict):
        for word in document.content.keys() & _ELSEWHERE.keys():
            raise document.content[word].error(
                f"{word} is no part of a screen; load it afterwards with {_ELSEWHERE[word]}"
            )
    top = document.mapping("a manifest", _TOP)
    entries = tuple(_entry(part, top[word], word, path.parent) for word, part in PARTS.items() if word in top)
    if not entries:
        raise document.error(
            f"nothing is to be loaded; name a file, as in responses: file: … ({', '.join(PARTS)})"
        )
    threshold = top["threshold"].text("threshold") if "threshold" in top else ""
    if threshold:
        try:
            parse(threshold)
        except InputError as error:
            raise top["threshold"].error(str(error)) from None
    name = top["name"].text("name") if "name" in top else ""
    if name and (reason := dataset_ids.fault(name)):
        raise top["name"].error(f'the name "{shortened(name)}" {reason}; give another')
    return Manifest(path, entries, name, threshold)


def _entry(part: str, at: Value, word: str, folder: Path) -> Entry:
    allowed = ["file", "columns"]
    if part in SIDES:
        allowed += ["layout", "rows", "skip"]
    if part == RESPONSES:
        allowed += ["values", "units"]
    if part == EXPRESSION:
        allowed += ["unit"]
    said = at.mapping(word, allowed)
    if "file" not in said:
        raise at.error(f"{word} names no file; add file: NAME below it")

    def choice(key: str, choices: tuple[str, ...]) -> str:
        if key not in said:
            return ""
        value = said[key].text(f"{key} of {word}")
        if value == OPEN:
            raise said[key].error(f"{key} of {word} is still open; write one of {', '.join(choices)}")
        if value not in choices:
            raise said[key].error(unknown(value, f"{key} of {word}", choices))
        return value

    wide = choice("layout", (_LONG, _WIDE)) == _WIDE
    for key in ("columns",) if wide else ("rows", "values", "skip"):
        if key in said:
            layout = "layout: wide" if wide else "a table in long form"
            raise said[key].error(
                f"{key} of {word} says nothing of {layout}; take it out, or change the layout"
            )
    return Entry(
        part,
        at,
        folder / said["file"].text(f"file of {word}"),
        _columns(said["columns"], word, part) if "columns" in said else {},
        wide,
        choice("rows", SIDES.get(part, ())),
        choice("values", MEASURES),
        _units(said, word),
        said["skip"].texts(f"skip of {word}") if "skip" in said else (),
    )


def _columns(at: Value, word: str, part: str) -> dict[str, str]:
    """The names of columns; those that a part cannot do without are there."""
    what = f"columns of {word}"
    named = at.mapping(what, COLUMNS[part])
    found = {column: value.text(f"{column} in {what}") for column, value in named.items()}
    for column, name in found.items():
        if name == OPEN:
            raise named[column].error(
                f"{column} in {what} is still open; write the column's name, or delete the line"
            )
    first: dict[str, str] = {}
    for column, name in found.items():
        if (other := first.setdefault(folded(name), column)) != column:
            raise named[column].error(
                f'{other} and {column} in {what} are both "{shortened(name)}"; name one column each'
            )
    contract = CONTRACTS[part]
    for column in contract.required:
        if column not in found:
            raise at.error(f"{what} has no {column}; add {column}: NAME")
    if contract.any_of and not found.keys() & set(MEASURES):
        raise at.error(f"{what} has none of {', '.join(MEASURES)}; add one, as in ic50: NAME")
    return found


def _units(said: Mapping[str, Value], word: str) -> dict[str, str]:
    units: dict[str, str] = {}
    lines: dict[str, Value] = {}
    if "unit" in said:
        units, lines = {word: said["unit"].text(f"unit of {word}")}, {word: said["unit"]}
    if "units" in said:
        lines = dict(said["units"].mapping(f"units of {word}", ("ic50", "auc")))
        units = {measure: value.text(f"unit of {measure}") for measure, value in lines.items()}
    found: dict[str, str] = {}
    for measure, unit in units.items():
        if unit == OPEN:
            raise lines[measure].error(f"the unit of {measure} is still open; write it")
        try:
            found |= given({measure: unit})
        except InputError as error:
            raise lines[measure].error(str(error)) from None
    return found
