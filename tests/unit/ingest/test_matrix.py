"""Files are read whole, or the place that is wrong is named."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pharmagraph.ingest.longform import read_long
from pharmagraph.ingest.matrix import join_parts, read_matrix
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.kg.errors import InputError, RowError


def matrix_file(folder: Path, text: str, name: str = "m.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_matrix_is_read_with_empty_cells_as_missing(tmp_path: Path) -> None:
    matrix = read_matrix(matrix_file(tmp_path, ",A,B\nTP53,1.5,\nNAN,-2,3\n"), Rejections(), kind="EXPRESSES")
    assert (matrix.rows, matrix.columns, matrix.lines) == (("TP53", "NAN"), ("A", "B"), (2, 3))
    np.testing.assert_array_equal(matrix.values, [[1.5, np.nan], [-2, 3]])


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.lists(st.none() | st.floats(-1e6, 1e6), min_size=3, max_size=3).filter(
            lambda r: any(v is not None for v in r)
        ),
        min_size=1,
        max_size=8,
    )
)
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, values: list[list[float | None]]
) -> None:
    lines = [f"G{i}," + ",".join("" if v is None else repr(v) for v in row) for i, row in enumerate(values)]
    path = tmp_path_factory.mktemp("m") / "m.csv.gz"
    path.write_bytes(gzip.compress(("gene,A,B,C\n" + "\n".join(lines)).encode()))
    expected = np.array([[np.nan if v is None else v for v in row] for row in values])
    np.testing.assert_array_equal(read_matrix(path, Rejections(), kind="EXPRESSES").values, expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (",A,B\nX,1,2\nY,yes,2\n", 'row 3, column A: "yes" is not a number or empty'),
        (",A,B\nX,1,2\nY,1,NaN\n", 'row 3, column B: "NaN" is not'),
        (",A,B\nX,1,inf\n", 'row 2, column B: "inf" is not'),
        (",A,B\nX,1,2\nX,3,4\n", 'row 3: "X" is already in row 2'),
        (",A,B\nX,1,2\n,1,2\n", 'row 3: "" is not a name'),
        (",A,B\nX,1,2\nY,1\n", 'row 3: "Y" has 2 cells where the header has 3'),
    ],
)
def test_the_bad_cell_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = matrix_file(tmp_path, text)
    with pytest.raises(RowError) as caught:
        read_matrix(path, Rejections(), kind="EXPRESSES")
    assert message in str(caught.value)
    assert f"{tmp_path.name}/m.csv" in str(caught.value)
    rejections = Rejections(keep_going=True)
    kept = read_matrix(path, rejections, kind="EXPRESSES")
    assert len(rejections.rejected) == 1
    assert "X" in kept.rows


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("only\nX\n", "has one column"),
        (",A,A\nX,1,2\n", 'column "A" is there 2 times'),
    ],
)
def test_a_header_that_is_wrong_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_matrix(matrix_file(tmp_path, text), Rejections(), kind="EXPRESSES")


def test_a_truncated_gzip_file_is_one_line(tmp_path: Path) -> None:
    whole = gzip.compress(b",A\n" + b"".join(f"G{i},{i * 1.37}\n".encode() for i in range(2000)))
    path = tmp_path / "m.csv.gz"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"m\.csv\.gz cannot be read to its end") as caught:
        read_matrix(path, Rejections(), kind="EXPRESSES")
    assert "\n" not in str(caught.value)


def test_text_that_is_not_utf8_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_bytes(b",A\nG\xff\xfe,1\n")
    with pytest.raises(InputError, match="not UTF-8"):
        read_matrix(path, Rejections(), kind="EXPRESSES")


def test_parts_of_a_matrix_are_joined_and_must_agree(tmp_path: Path) -> None:
    one = read_matrix(matrix_file(tmp_path, ",A,B\nX,1,2\n", "1.csv"), Rejections(), kind="EXPRESSES")
    two = read_matrix(matrix_file(tmp_path, ",A,B\nY,3,4\n", "2.csv"), Rejections(), kind="EXPRESSES")
    other = read_matrix(matrix_file(tmp_path, ",A,C\nZ,3,4\n", "3.csv"), Rejections(), kind="EXPRESSES")
    assert join_parts([one, two]).rows == ("X", "Y")
    with pytest.raises(InputError, match="B is in one of them only"):
        join_parts([one, other])
    with pytest.raises(RowError, match='"X" is already in'):
        join_parts([one, one])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("drug,cell_line,ln_ic50\nA,B,low\n", 'row 2, column ln_ic50: "low" is not a finite number'),
        ("drug,cell_line,ln_ic50\nA,B,nan\n", 'row 2, column ln_ic50: "nan" is not a finite number'),
        ("drug,cell_line,ln_ic50\n,B,1\n", 'row 2, column drug: "" is empty'),
        ("drug,cell_line,response\nA,B,0.5\n", 'column response: "0.5" is not a whole number'),
        ("drug,cell_line,ln_ic50\nA,B,1\nA,B,2\n", 'row 3, column cell_line: "A, B" is already in row 2'),
        ("drug,cell\nA,B\n", 'there is no column "cell_line"; it has drug, cell'),
    ],
)
def test_a_long_table_names_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_long(matrix_file(tmp_path, text), "responses", Rejections(), kind="TESTED_ON")
    assert message in str(caught.value)


def test_quotes_around_names_are_read_at_once_and_others_row_by_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = '"","G1","G 2"\n"A, B",1,2\nC,3,"4"\n'
    whole, odd = tmp_path / "whole.csv", tmp_path / "odd.csv"
    whole.write_text(rows)
    odd.write_text(rows + 'D "1,5,6\n')
    slow = read_matrix(odd, Rejections(keep_going=True), kind="EXPRESSES")
    monkeypatch.setattr("pharmagraph.ingest.matrix._read_slow", None)
    fast = read_matrix(whole, Rejections(), kind="EXPRESSES")
    assert fast.rows == slow.rows[:2] == ("A, B", "C") and fast.columns == slow.columns == ("G1", "G 2")
    assert fast.values.tolist() == slow.values[:2].tolist() == [[1, 2], [3, 4]]
    with pytest.raises(TypeError):
        read_matrix(odd, Rejections(), kind="EXPRESSES")
