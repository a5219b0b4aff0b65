"""Reads a sheet of an Excel workbook (.xlsx) as rows of texts, as Excel numbers them.

The library leaves a cell empty whose formula failed, and takes memory for the rectangle from the first to the last
cell. So the sheet's XML is looked through first, for both.
"""

from __future__ import annotations

import mmap
import re
import zipfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree  # nosec B405 # below

from pharmagraph.kg.errors import InputError, some
from pharmagraph.kg.reading.typed_cells import text_of
from pharmagraph.kg.reading.unpacking import DAMAGED, RATIO, UNCHECKED

LARGEST = 2**26
"""Cells of the rectangle that a sheet may span; each takes tens of bytes."""

ZIP, OLD = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""First bytes of workbooks, and of those before 2007, in which a locked one is packed, too."""

_LARGEST_XML = 2**32
_LOCKED = "EncryptedPackage".encode("utf-16-le")
_SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}sheet"
_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_FAILED = re.compile(
    rb'<(?:\w+:)?c\s(?=[^>]*\bt="e")[^>]*\br="([A-Z]+)([0-9]+)"[^>/]*>(.*?)</(?:\w+:)?c>', re.DOTALL
)
_UNCOUNTED = re.compile(
    rb'<(?:\w+:)?c\s(?![^>]*\bt="str")[^>]*\br="([A-Z]+)([0-9]+)"[^>/]*>\s*<(?:\w+:)?f[^>/]*>([^<]*)</(?:\w+:)?f>'
    rb"\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
"""Formulas without a value, as programs write them that do not calculate."""
_VALUE = re.compile(rb"<(?:\w+:)?v>([^<]*)<")
_PLACE = re.compile(rb'\br="([A-Z]{1,3})([0-9]+)"')


def is_workbook(path: Path, head: bytes) -> bool:
    """Whether a file is a workbook of any kind, which `sheet_rows` reads or refuses."""
    if head.startswith(OLD):
        return True
    if not head.startswith(ZIP):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return bool({"[Content_Types].xml", "mimetype"} & set(archive.namelist()))
    except DAMAGED:
        return False


def sheet_names(path: Path, called: str) -> list[str]:
    """The names of a workbook's sheets.

    Raises
    ------
    InputError
        If it is locked, has macros, is of another kind than .xlsx, or is damaged.
    """
    return list(_sheets(path, called))


def sheet_rows(path: Path, called: str, wanted: str | None) -> Generator[tuple[int, list[str]], None, None]:
    """The rows of one sheet with their numbers, those that are empty left out.

    Parameters
    ----------
    path
        The workbook.
    called
        What messages call it.
    wanted
        Name of the sheet that is meant; None where there is one.

    Raises
    ------
    InputError
        If the workbook cannot be read, the sheet cannot be told from others, or it is empty or too large.
    """
    import python_calamine

    sheets = _sheets(path, called)
    name = _chosen(list(sheets), called, wanted)
    failed = _looked_through(path, called, sheets[name])
    try:
        with python_calamine.load_workbook(path) as book:
            sheet = book.get_sheet_by_name(name)
            left = sheet.start[1] if sheet.start else 0  # empty rows above come, too, but no empty columns
            for number, cells in enumerate(sheet.iter_rows(), start=1):
                row = [text_of(cell) for cell in cells]
                for column, text in failed.get(number, ()):
                    at = column - left
                    row += [""] * (at + 1 - len(row))
                    row[at] = text
                if any(row):
                    yield number, row
    except python_calamine.CalamineError as error:
        raise InputError(f"{called} cannot be read as a workbook ({error}); save it again") from None


def _chosen(names: Sequence[str], called: str, wanted: str | None) -> str:
    if wanted is None and len(names) == 1:
        return names[0]
    if wanted is None:
        way = f"keep one, or give one as {called}/{names[0]}"
        raise InputError(f"{called} has {len(names)} sheets: {some(list(names))}; {way}")
    if wanted not in names:
        raise InputError(f"{called}: there is no sheet of this name; the workbook has {some(list(names))}")
    return wanted


def _sheets(path: Path, called: str) -> dict[str, str]:
    """Sheet → its member of the archive."""
    with path.open("rb") as file:
        if file.read(len(OLD)) == OLD:
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                locked = content.find(_LOCKED) >= 0
            kind = (
                "is locked with a password; save it without one" if locked else "is a workbook of before 2007"
            )
            raise InputError(f"{called} {kind}" + ("" if locked else "; save it as .xlsx or CSV"))
    with _archive(path, called) as archive:
        members = set(archive.namelist())
        if any(member.endswith("vbaProject.bin") for member in members):
            raise InputError(f"{called} is a workbook with macros; save it as .xlsx without them")
        if "xl/workbook.xml" not in members:
            raise InputError(f"{called} is a document of another kind than .xlsx; save it as .xlsx or CSV")
        for one in archive.infolist():
            if one.file_size > _LARGEST_XML or (
                one.file_size > UNCHECKED and one.file_size > RATIO * one.compress_size
            ):
                raise InputError(
                    f"{called} unpacks to {one.file_size:,} bytes, {one.file_size // max(one.compress_size, 1):,} "
                    "times its size; save it as CSV if you trust it"
                )
        # no entity is fetched, and expat stops those that grow (tests/faults/test_entities.py)
        relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # nosec B314
        target = {r.get("Id"): r.get("Target") or "" for r in relations}
        book = ElementTree.fromstring(archive.read("xl/workbook.xml"))  # nosec B314
        found = {}
        for sheet in book.iter(_SHEET):
            place = target.get(sheet.get(_ID) or "", "")
            member = place.lstrip("/") if place.startswith("/") else f"xl/{place}"
            if member in members:
                found[sheet.get("name") or ""] = member
        if not found:
            raise InputError(f"{called} has no sheet that can be read; save it again, or as CSV")
        return found


@contextmanager
def _archive(path: Path, called: str) -> Iterator[zipfile.ZipFile]:
    """The workbook as an archive.

    Raises
    ------
    InputError
        If it is damaged; also while it is read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (*DAMAGED, ElementTree.ParseError, KeyError) as error:
        reason = (str(error).splitlines() or ["damaged"])[0]
        raise InputError(f"{called} cannot be read as a workbook ({reason}); save it again") from None


def _looked_through(path: Path, called: str, member: str) -> dict[int, list[tuple[int, str]]]:
    """Cells of formulas that failed or have no value by row: column and text. What spans too much is refused."""
    with _archive(path, called) as archive:
        content = archive.read(member)
    last_row, columns = 0, set()
    for letters, number in _PLACE.findall(content):
        columns.add(letters)
        last_row = max(last_row, int(number))
    last_column = max(map(_column, columns), default=-1)
    if not columns:
        raise InputError(f"{called} is empty; it needs a header and rows")
    if last_row * (last_column + 1) > LARGEST:
        raise InputError(
            f"{called} spans {last_row:,} rows and {last_column + 1:,} columns; delete what stands far from the table, "
            "or save it as CSV"
        )
    failed: dict[int, list[tuple[int, str]]] = {}
    for letters, number, inside in _FAILED.findall(content):
        value = _VALUE.search(inside)
        text = value[1].decode("utf-8", "replace") if value else "#VALUE!"
        failed.setdefault(int(number), []).append((_column(letters), text))
    for letters, number, formula in _UNCOUNTED.findall(content):
        text = f"={formula.decode('utf-8', 'replace')}"
        failed.setdefault(int(number), []).append((_column(letters), text))
    return failed


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1
