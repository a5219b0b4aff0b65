"""Tells the shape of files from their content, and says of one that has none what the nearest shape needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pharmagraph.ingest.column_words import stands_for
from pharmagraph.ingest.contracts import FILES
from pharmagraph.ingest.longform import columns_of
from pharmagraph.ingest.shapes import (
    ctrp,
    depmap_matrices,
    depmap_tables,
    dreval,
    gct,
    gdsc,
    long_form,
    nci60,
    pharmacogx,
    prism,
)
from pharmagraph.ingest.shapes.calls import are_calls, no_expression
from pharmagraph.ingest.shapes.shape import EXPRESSION, RESPONSES, Head, Shape
from pharmagraph.ingest.shapes.wide import is_wide, why_not_wide, wide_shape
from pharmagraph.ingest.units import columns as units
from pharmagraph.kg.errors import InputError, shortened
from pharmagraph.kg.reading.records import records, sheets
from pharmagraph.kg.reading.text import LONGEST, located, opened, shown, stem

DOWNLOADS: tuple[Shape, ...] = (
    gdsc.FITTED,
    gdsc.RAW,
    gdsc.COMPOUNDS,
    prism.CURVES,
    ctrp.CURVES,
    ctrp.COMPOUNDS,
    ctrp.EXPERIMENTS,
    ctrp.LINES,
    dreval.RESPONSE,
    pharmacogx.PROFILES,
    pharmacogx.OLDER_PROFILES,
    depmap_tables.MUTATION_TABLE,
    depmap_tables.MODELS,
    depmap_tables.SAMPLES,
    depmap_tables.PASSPORTS,
    depmap_tables.GDSC_DETAILS,
    depmap_tables.GDSC_LISTING,
    depmap_matrices.EXPRESSION_MATRIX,
    depmap_matrices.GENE_EFFECTS,
    depmap_matrices.COPY_NUMBERS,
    depmap_matrices.PROBABILITIES,
    depmap_matrices.CALLS,
    depmap_matrices.COUNTS,
    gct.GCT,
    nci60.ACTIVITY,
    nci60.EXPERIMENTS,
)
"""Shapes of public files; a file has the first one that fits."""

_INIT = "cli ingest tables FOLDER --init writes a manifest.yaml, in which you say what they hold"
_ROWS = 20
_LISTED = 6
_NOT_READ = 20
"""Files that are not read of which each is told."""
_HALF = 0.5


@dataclass(frozen=True)
class Found:
    """A file and its shape."""

    path: Path
    shape: Shape

    @property
    def name(self) -> str:
        """The file's name, with the sheet behind that of a workbook."""
        return _name(self.path)


@dataclass(frozen=True)
class Files:
    """The files of a screen.

    Parameters
    ----------
    found
        Those of a known shape, in the order of their names.
    others
        Sentences that say why other files are not read.
    beside
        Files that say how the others are read.
    """

    found: tuple[Found, ...]
    others: tuple[str, ...] = ()
    beside: tuple[Path, ...] = ()

    def of(self, part: str) -> tuple[Found, ...]:
        """The files that give a part of the screen; of responses there may be several."""
        return tuple(f for f in self.found if f.shape.gives == part)


def recognise(place: Path) -> Files:
    """Find the files of a screen.

    Parameters
    ----------
    place
        A file, or a folder, whose folders are not searched. A workbook of several sheets is as a folder of them.

    Raises
    ------
    InputError
        If there is none, two files give one part, none has responses, or a file alone has no known shape.
    """
    if not place.is_dir() and not located(place)[0].is_file():
        raise InputError(
            f"{place} is neither a file nor a folder; give a table of responses, or a folder with one"
        )
    tables = tables_of(place)
    files = Files((Found(place, shape_of(place)),)) if tables == [place] else _together(place, tables)
    if not files.of(RESPONSES):
        raise _without_responses(place, files)
    return files


def tables_of(place: Path) -> list[Path]:
    """The files of a folder, and the sheets of workbooks that have several."""
    if place.is_dir():
        paths = sorted(p for p in place.iterdir() if p.suffix and p.name[0] not in ".~")
        for path in paths:
            if _by_name(path) and not path.is_file():
                raise InputError(f"{shown(path)} {_no_file(path)}; put a file in its place, or take it away")
        paths = [p for p in paths if p.is_file()]
        return [table for path in paths for table in tables_of(path)]
    try:
        names = sheets(place)
    except InputError:  # told of again, and judged, when the table is opened
        return [place]
    return [place / name for name in names] if len(names) > 1 else [place]


def _no_file(path: Path) -> str:
    """What a path is that is called like a part of a screen, and is no file."""
    if path.is_symlink() and not path.exists():
        return "is a link to nothing"
    return "is a folder" if path.is_dir() else "is a pipe, a device or a link to one, not a file"


def _together(place: Path, tables: Sequence[Path]) -> Files:
    found: list[Found] = []
    others: list[str] = []
    for path in tables:
        try:
            one = Found(path, shape_of(path))
        except InputError as error:
            if _by_name(path):
                raise
            others.append(f"not read: {error}")
            continue
        same = next((f for f in found if f.shape.gives == one.shape.gives and f.shape.gives), None) or next(
            (f for f in found if f.shape is one.shape and not one.shape.instead), None
        )
        if same and not (same.shape.tells_dataset and one.shape.tells_dataset):
            raise both(place, same, one)
        found.append(one)
    if len(others) > _NOT_READ:
        others[_NOT_READ:] = [
            f"not read: {len(others) - _NOT_READ:,} more files of {place.name}, for like reasons"
        ]
    return Files(tuple(found), tuple(others))


def both(place: Path, first: Found, second: Found) -> InputError:
    """The error that two files give one part of a screen."""
    what = first.shape.gives or first.shape.name
    folder = place if place.is_dir() else place.parent
    return InputError(
        f"{place} has both {first.name} and {second.name}, which give {what}; only one is read. Say which in "
        f"manifest.yaml: cli ingest tables {folder} --init writes it, with file: for the first of them, in whose place "
        f"the other may be written; then load {folder} (--name NAME for a data set of its own)"
    )


def _name(path: Path) -> str:
    return path.name if located(path)[1] is None else shown(path)


def _by_name(path: Path) -> str:
    """The part of a screen that a file or a sheet is called like; empty for another one."""
    name = stem(path).strip().casefold()
    return name if name in long_form.BY_NAME else ""


def shape_of(path: Path) -> Shape:
    """The first shape that fits; a file that is called as the long layout has it is of that, whatever its columns.

    Raises
    ------
    InputError
        If none fits, or a file that is called as the long layout has it lacks a column.
    """
    head = head_of(path)
    fitting = next((shape for shape in DOWNLOADS if shape.fits(head)), None)
    part = _by_name(path) if fitting is None else ""
    if part == EXPRESSION and are_calls(head):
        raise no_expression(head)
    if part:
        if part in (RESPONSES, EXPRESSION) and is_wide(head, part):
            return wide_shape(part)
        try:
            columns_of(head.header, FILES[part])
        except InputError as error:
            raise InputError(
                f"{error}{why_not_wide(head, part) if part in (RESPONSES, EXPRESSION) else ''}"
            ) from None
        return long_form.BY_NAME[part]
    fitting = fitting or next((shape for shape in long_form.BY_NAME.values() if shape.fits(head)), None)
    if fitting is None:
        raise _unknown(head)
    if fitting is long_form.BY_NAME[EXPRESSION] and are_calls(head):
        raise no_expression(head)
    return fitting


def head_of(path: Path) -> Head:
    with records(path) as table:
        first = ""
        if table.separator:
            with opened(path) as file:
                first = file.readline(LONGEST).rstrip("\n")
        rows = next(table.batches(range(len(table.header.names)), size=_ROWS), None)
        return Head(path, first, table.header, tuple(map(tuple, rows.rows)) if rows else ())


def _unknown(head: Head) -> InputError:
    """What the nearest shape needs, and what is there."""
    has = head.header.has

    def likeness(shape: Shape) -> float:
        return sum(map(has, shape.columns)) / len(shape.columns) if shape.columns else 0

    nearest = max((*DOWNLOADS, *long_form.BY_NAME.values()), key=likeness)
    names = [shortened(n) or "(no name)" for n in head.header.names]
    columns = ", ".join(names[:_LISTED]) + (", …" if len(names) > _LISTED else "")
    there = [c for c in nearest.columns if has(c)]
    lacking = [c for c in nearest.columns if not has(c)]
    if nearest.any_of and not any(map(has, nearest.any_of)):
        lacking.append(" or ".join(nearest.any_of))
    if head.header.title:
        return InputError(f"{shown(head.path)}: {head.header.title}")
    words = _words_of_responses(head)
    if words and (nearest not in DOWNLOADS or likeness(nearest) <= _HALF):
        return InputError(
            f"{shown(head.path)} may hold responses, but its columns are called otherwise ({', '.join(words)}); {_INIT}"
        )
    if not there:
        return InputError(
            f"{shown(head.path)} has the columns of no known shape ({columns}); docs/screens.md lists the shapes, and "
            f"{_INIT}"
        )
    return InputError(
        f"{shown(head.path)} has no known shape; the nearest is {nearest.name}, of which {', '.join(there)} "
        f"{'is' if len(there) == 1 else 'are'} there and {', '.join(lacking) or 'its values'} "
        f"{'is' if len(lacking) == 1 else 'are'} not (it has {columns}); {_INIT}"
    )


def _words_of_responses(head: Head) -> list[str]:
    """The columns that may be drug, cell line and IC50, area or class; empty unless there is one of each."""
    names = [name for name in head.header.names if name]
    found = [
        next((name for name in names if stands_for("drug", name)), ""),
        next((name for name in names if stands_for("cell_line", name)), ""),
        next((n for n in names if units.ic50(n) or units.auc(n) or stands_for("response", n)), ""),
    ]
    return found if all(found) else []


def _without_responses(place: Path, files: Files) -> InputError:
    if files.found and files.found[0].path == place:
        found = files.found[0]
        if found.shape.instead:
            return InputError(
                f"{shown(place)}: {described(files)}; {found.shape.instead.format(file=place.name)}"
            )
        way = "give a folder that has a table of responses, too"
        return InputError(f"{shown(place)}: {described(files)}, without responses; {way}")
    what = f": {described(files)}" if files.found else ""
    first = next((other for other in files.others if "may hold responses" in other), None) or files.others[:1]
    why = f"; {first if isinstance(first, str) else first[0]}" if first else ""
    if (more := len(files.others) - 1) > 0:
        why += f"; {more} more {'file is' if more == 1 else 'files are'} not read"
    way = "put responses.csv or the responses of a public screen in it"
    if _INIT not in why:
        way += ", or say in manifest.yaml what its files hold (--init writes one)"
    return InputError(f"{place} has no table of responses{what}{why}; {way}")


def described(files: Files) -> str:
    """The shapes that were found, each with its files."""
    by_shape: dict[str, list[str]] = {}
    for found in files.found:
        by_shape.setdefault(found.shape.name, []).append(found.name)
    return ", ".join(f"{shape} ({', '.join(names)})" for shape, names in by_shape.items())
