"""Files that are made to fill the memory or the screen, or to be misread, are refused in one line and in time."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from pharmagraph.kg.errors import InputError
from pharmagraph.kg.reading import rows, unpacking
from pharmagraph.kg.reading.numbers import NotANumberError, as_number
from pharmagraph.kg.reading.records import records
from pharmagraph.kg.reading.text import tidy


def zipped(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", content)
    return buffer.getvalue()


@pytest.mark.parametrize("pack", [gzip.compress, zipped, bz2.compress, lzma.compress])
@pytest.mark.parametrize("line", [b"A,B,0\n", b"\n", b",,\n"])
def test_a_bomb_is_refused_before_its_rows_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: Callable[[bytes], bytes], line: bytes
) -> None:
    monkeypatch.setattr(unpacking, "UNCHECKED", 1 << 20)
    bomb = tmp_path / "bomb.csv"
    bomb.write_bytes(pack(b"a,b,c\n" + line * ((1 << 21) // len(line))))
    with pytest.raises(InputError, match="unpacks to more than 200 times its size"), records(bomb):
        pytest.fail("its rows would be read one by one")


@pytest.mark.parametrize("line", ["\n", ",,\n"])
@pytest.mark.parametrize("header", ["", "a,b,c\n"])
def test_empty_rows_without_end_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, header: str
) -> None:
    monkeypatch.setattr(rows, "MOST_EMPTY", 100)
    monkeypatch.setattr("pharmagraph.kg.reading.records.MOST_EMPTY", 100)
    path = tmp_path / "empty.csv"
    path.write_text(header + line * 90 + "1,2,3\n" + line * 90)
    if header:
        with records(path) as table:
            assert [r for batch in table.batches() for r in batch.rows] == [["1", "2", "3"]]
    path.write_text(header + line * 200 + "1,2,3\n")
    if header or line == "\n":
        with pytest.raises(InputError, match="100 empty rows"), records(path) as table:
            list(table.batches())


@pytest.mark.parametrize("cell", ["A" * 200_000, '"' + "A" * 200_000 + '"'])
def test_a_cell_of_any_length_is_no_traceback(tmp_path: Path, cell: str) -> None:
    path = tmp_path / "long.csv"
    path.write_text(f"a,b\nx,1\n{cell},2\ny,3\n")
    with records(path) as table:
        (batch,) = table.batches()
    bad = [(one.line, one.reason) for one in batch.bad]
    if cell.startswith('"'):
        assert bad == [(3, "has a cell of more than 131,072 characters; shorten it")]
    else:
        assert not bad
        assert batch.rows[1] == [cell, "2"]
    with records(
        path, is_header=lambda cells: cells[0] == "y"
    ) as table:  # the header stands below the long cell
        assert table.header.names == ("y", "3")


def test_a_header_with_a_long_quoted_name_says_so(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text('"' + "A" * 200_000 + '",b\nx,1\n')
    said = "row 1: the header has a name that is too long; shorten it"
    with pytest.raises(InputError, match=said), records(path):
        pass


@pytest.mark.parametrize(
    "sign", ["\u00ad", "\u200e", "\u202a", "\u202e", "\u2066", "\u2069", "\ufeff", "\u200b"]
)
def test_signs_that_are_not_seen_make_no_other_name(sign: str) -> None:
    assert tidy(f"{sign}Drug{sign}A{sign}") == "DrugA"


def test_a_formula_without_a_value_is_no_empty_cell(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["a", "b"], ["x", "=1+2"], ["y", 3], ["z", '=IF(A1="a","","")']):
        sheet.append(row)
    path = tmp_path / "book.xlsx"
    book.save(path)
    with records(path) as table:
        (batch,) = table.batches()
    assert batch.rows[:2] == [["x", "=1+2"], ["y", "3"]]
    with pytest.raises(NotANumberError, match="formula without its value; open the file in a spreadsheet"):
        as_number(batch.rows[0][1])
