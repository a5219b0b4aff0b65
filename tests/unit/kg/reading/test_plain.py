"""A table reads the same with Arrow as row by row; what Arrow would read otherwise is not plain."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from pharmagraph.ingest import longform
from pharmagraph.ingest.long_table import LongTable
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.kg.reading import plain
from pharmagraph.kg.reading.plain import NotPlainError, plain_batches
from pharmagraph.kg.reading.records import records

HEADER = "drug,cell_line,ln_ic50,auc,note\n"
PLAIN = {
    "as it is": "A1,X,1.5,.5,n\nA1,Y,-2e-1,1.,m\nB2,X,NA,0.25,\n",
    "blanks": " A1 ,X, 1.5 ,0.5,n\nA1,Y ,+2,1,m\n",
    "no value": "A1,X,,n/a,n\nA1,Y,-,--,m\nB2,X,1,#N/A,k\n",
    "quotes": '"A1","X; Y",1.5,"",n\n"A1",Z,"2",1,"n; m"\n',
    "two spellings": "Caf\u00e9,X,1,,\nCafe\u0301,Y,2,,\n",
    "a byte order mark": "\ufeff",
    "a comment above": "# made by hand\n",
}
ODD = {
    "an open quote": 'A1,X,1,,"n\nB1,X,1,,n\n',
    "an open quote that a row closes": 'A1,X,1,,"n\nB1,X,1,,n"\n',
    "text behind a quote": 'A1,X,1,,"n"m\n',
    "a quote inside": 'A 5" 1,X,1,,n\n',
    "a doubled quote": '"A ""1""",X,1,,n\n',
    "a blank before a quote": 'A1, "X",1,,n\n',
    "a cell too few": "A1,X,1,\n",
    "a cell too many": "A1,X,1,,n,\n",
    "an empty row": "A1,X,1,,n\n\nB2,Y,1,,n\n",
    "an infinite number": "A1,X,inf,,n\n",
    "no number": "A1,X,nan,,n\n",
    "a decimal comma": "A1;X;3,5;;n\n",
    "an underscore": "A1,X,1_0,,n\n",
}
PLACES = {"drug": 0, "cell_line": 1}, {"ln_ic50": 2, "auc": 3}


def write(folder: Path, text: str, name: str = "responses.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


def both(path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[LongTable, LongTable]:
    """The table read with Arrow, and row by row."""

    def never(*_: object) -> object:
        raise NotPlainError

    with monkeypatch.context() as patch:
        patch.setattr("pharmagraph.kg.reading.records._TextRecords.batches", never)
        patch.setattr("pharmagraph.kg.reading.records._CellRecords.batches", never)
        fast = longform.read_long(path, "responses", Rejections(), kind="TESTED_ON")
    with monkeypatch.context() as patch:
        patch.setattr(longform, "plain_batches", never)
        slow = longform.read_long(path, "responses", Rejections(), kind="TESTED_ON")
    return fast, slow


def same(one: LongTable, other: LongTable) -> None:
    assert one.lines.tolist() == other.lines.tolist() and one.texts.keys() == other.texts.keys()
    for column, texts in one.texts.items():
        assert texts.cells() == other.texts[column].cells() and texts.names == other.texts[column].names
    for column, values in one.numbers.items():
        np.testing.assert_array_equal(values, other.numbers[column])


@pytest.mark.parametrize("kind", PLAIN)
def test_a_plain_table_reads_the_same_in_both_ways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    rows = PLAIN[kind]
    text = rows + HEADER + PLAIN["as it is"] if kind.startswith("a ") else HEADER + rows
    monkeypatch.setattr(plain, "_BLOCK", 64)
    same(*both(write(tmp_path, text), monkeypatch))
    same(*both(write(tmp_path, text.replace(",", "\t").replace("\n", "\r\n"), "responses.tsv"), monkeypatch))


@pytest.mark.parametrize("kind", ODD)
def test_what_arrow_would_read_otherwise_is_not_plain(tmp_path: Path, kind: str) -> None:
    header = HEADER.replace(",", ";") if ";" in ODD[kind] else HEADER
    path = write(tmp_path, header + ODD[kind])
    with records(path) as table, pytest.raises(NotPlainError):
        list(plain_batches(path, table, *PLACES))


def test_other_encodings_are_not_plain(tmp_path: Path) -> None:
    path = tmp_path / "responses.csv"
    path.write_text(HEADER + PLAIN["as it is"], encoding="utf-16")
    with records(path) as table, pytest.raises(NotPlainError):
        list(plain_batches(path, table, *PLACES))
    same(*both(write(tmp_path, HEADER + PLAIN["as it is"]), pytest.MonkeyPatch()))


def test_a_fault_at_the_end_is_named_as_in_a_small_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plain, "_BLOCK", 4_096)
    rows = "".join(f"A{i},X,{i},,n\n" for i in range(2_000))
    path = write(tmp_path, HEADER + rows + "B,X,3;5,,n\nUnknown,X,1,,n\n")
    rejections = Rejections(keep_going=True)
    table = longform.read_long(path, "responses", rejections, kind="TESTED_ON")
    assert [(r.row, r.column) for r in rejections.rejected] == [(2002, "ln_ic50"), (2003, "drug")]
    assert len(table) == 2_000 and len(table.texts["drug"].names) == 2_000


@pytest.mark.parametrize("floats", [pa.float64(), pa.float32()])
def test_parquet_reads_the_same_in_both_ways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, floats: pa.DataType
) -> None:
    table = pa.table(
        {
            "drug": pa.array(["A1", "A1 ", "B2"]).dictionary_encode(),
            "cell_line": pa.array([697, 12, 697]),
            "ln_ic50": pa.array([0.1, None, -3.25], floats),
            "auc": pa.array([1, 2, None]),
        }
    )
    parquet.write_table(table, tmp_path / "responses.parquet")
    same(*both(tmp_path / "responses.parquet", monkeypatch))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_parquet_with_numbers_that_are_none_is_not_plain(tmp_path: Path, value: float) -> None:
    path = tmp_path / "responses.parquet"
    parquet.write_table(pa.table({"drug": ["A"], "cell_line": ["X"], "ln_ic50": [value], "auc": [1.0]}), path)
    with records(path) as table, pytest.raises(NotPlainError):
        list(plain_batches(path, table, *PLACES))


def test_columns_that_a_table_lacks_take_no_memory(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER + PLAIN["as it is"])
    table = longform.read_long(path, "responses", Rejections(), kind="TESTED_ON")
    some = table.keep(np.array([True, False, True]))
    for one in (table, some):
        assert one.texts["flags"].codes.strides == one.numbers["hill"].strides == (0,)
        assert one.texts["flags"].cells() == [None] * len(one) and np.isnan(one.numbers["hill"]).all()
    assert some.texts["drug"].cells() == ["A1", "B2"] and some.numbers["auc"].tolist() == [0.5, 0.25]
