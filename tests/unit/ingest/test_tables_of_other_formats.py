"""The same screen is read from Parquet, Arrow and Excel by the rules of CSV; what a workbook cannot say is refused."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import openpyxl
import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from pharmagraph.ingest.bundle import Bundle
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.sources import tables
from pharmagraph.kg.errors import InputError, RowError
from pharmagraph.kg.reading import unpacking, workbook

Cell = str | float | int | bool | date | None
Sheet = list[list[Cell]]

RESPONSES: Sheet = [
    ["Drug", "cell line", "LN_IC50", "plate"],
    *([d, c, 0.5 * i - 0.125 * j, i] for i, d in enumerate("ABC") for j, c in enumerate(["X", "Y", "Z"])),
]
DRUGS: Sheet = [["drug", "smiles", "pubchem_cid"], ["A", "CCO", 176870], ["B", "CCN", None], ["C", "CCC", 5]]
EXPRESSION: Sheet = [
    ["cell_line", "gene", "value"],
    *(
        [c, g, float(i * j - i)]
        for i, c in enumerate(["X", "Y", "Z"])
        for j, g in enumerate(["EGFR", "TP53"], 2)
    ),
]
SCREEN = {"responses": RESPONSES, "drugs": DRUGS, "expression": EXPRESSION}


def as_csv(path: Path, rows: Sheet) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def columns(rows: Sheet) -> pa.Table:
    names, *body = rows
    return pa.table({str(n): [row[at] for row in body] for at, n in enumerate(names)})


def as_workbook(path: Path, sheets: dict[str, Sheet], *, top: int = 1, left: int = 1) -> None:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for r, row in enumerate(rows, start=top):
            for c, value in enumerate(row, start=left):
                sheet.cell(r, c, value)
    book.save(path)


def write(folder: Path, kind: str, screen: dict[str, Sheet] = SCREEN) -> Path:
    for name, rows in screen.items():
        if kind == "parquet":
            parquet.write_table(columns(rows), folder / f"{name}.parquet")
        elif kind == "feather":
            feather.write_feather(columns(rows), folder / f"{name}.feather", compression="lz4")
        elif kind == "arrow":
            table = columns(rows)
            with (
                pa.OSFile(str(folder / f"{name}.arrow"), "wb") as file,
                pa.ipc.new_file(file, table.schema) as out,
            ):
                out.write_table(table)
        elif kind == "texts in parquet":
            texts = [["" if c is None else str(c) for c in row] for row in rows]
            parquet.write_table(columns(texts), folder / f"{name}.parquet")
        elif kind == "one ending for all":
            parquet.write_table(columns(rows), folder / f"{name}.csv")
        elif kind == "workbooks":
            as_workbook(folder / f"{name}.xlsx", {"Sheet1": rows})
        elif kind == "workbooks called csv":
            as_workbook(folder / f"{name}.csv", {"Sheet1": rows})
        elif kind == "texts in workbooks":
            texts = [[None if c is None else str(c) for c in row] for row in rows]
            as_workbook(folder / f"{name}.xlsx", {"Sheet1": texts})
        elif kind == "away from the corner":
            as_workbook(folder / f"{name}.xlsx", {"a": rows}, top=4, left=3)
        elif kind == "csv":
            as_csv(folder / f"{name}.csv", rows)
    if kind == "one workbook":
        as_workbook(
            folder / "my screen.xlsx", {"Read me": [["by hand"]], **{n.title(): r for n, r in screen.items()}}
        )
    return folder


def zipped(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("file", content)
    return buffer.getvalue()


def read(folder: Path, *, reject: bool = False) -> Bundle:
    return tables.read(folder, Rejections(keep_going=reject))


def content(bundle: Bundle) -> list[object]:
    """All that a bundle has, without the name and the checksum of its source."""
    notes = [n.partition(" has ")[2] for n in bundle.notes if "columns that are not read" in n]
    edges = {key: table.drop_columns(["dataset"]).to_pylist() for key, table in bundle.edges.items()}
    return [{label: t.to_pylist() for label, t in bundle.nodes.items()}, edges, notes]


KINDS = [
    "parquet", "feather", "arrow", "texts in parquet", "one ending for all",
    "workbooks", "workbooks called csv", "texts in workbooks", "away from the corner", "one workbook",
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_screen_is_read_whatever_the_format(tmp_path: Path, kind: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert content(read(write(tmp_path / "a", kind))) == content(read(write(tmp_path / "b", "csv")))


def dated(gene: Cell) -> dict[str, Sheet]:
    return SCREEN | {"expression": [*EXPRESSION, ["X", gene, 1.5], ["Y", gene, 2.5]]}


@pytest.mark.parametrize("kind", ["workbooks", "parquet"])
def test_a_date_for_a_gene_is_refused_with_what_happened(tmp_path: Path, kind: str) -> None:
    screen = dated(date(2026, 3, 1))
    if kind == "parquet":
        as_dates = pa.table({"cell_line": ["X", "Y"], "gene": [date(2026, 3, 1)] * 2, "value": [1.0, 2.0]})
        write(tmp_path, kind)
        parquet.write_table(as_dates, tmp_path / "expression.parquet")
    else:
        write(tmp_path, kind, screen)
    with pytest.raises(
        RowError, match=r'"1-Mar-2026" is a date, which a spreadsheet made of a gene symbol \(MARCHF1'
    ):
        read(tmp_path)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (date(2026, 5, 3), r'row 11, column ln_ic50: "3-May-2026" .*it is a date'),
        ("3,5", r'"3,5" .*decimal comma; write 3.5'),
        (True, '"TRUE" is not a finite number'),
        ("#DIV/0!", r'row 11, column ln_ic50: "#DIV/0!" is not a finite number'),
    ],
)
def test_a_cell_of_a_workbook_is_refused_as_in_text(tmp_path: Path, value: Cell, said: str) -> None:
    write(tmp_path, "workbooks", SCREEN | {"responses": [*RESPONSES, ["A", "W", value, 1]]})
    with pytest.raises(RowError, match=said):
        read(tmp_path)


def test_a_failed_formula_is_no_empty_cell(tmp_path: Path) -> None:
    write(tmp_path, "workbooks")
    book = openpyxl.load_workbook(tmp_path / "responses.xlsx")
    book.worksheets[0]["C3"].value, book.worksheets[0]["C3"].data_type = "#NUM!", "e"
    book.save(tmp_path / "responses.xlsx")
    with pytest.raises(RowError, match=r'row 3, column ln_ic50: "#NUM!"'):
        read(tmp_path)
    assert [r.row for r in read(tmp_path, reject=True).rejected] == [3]


def test_a_cell_behind_the_last_column_is_a_bad_row(tmp_path: Path) -> None:
    write(tmp_path, "workbooks", SCREEN | {"responses": [*RESPONSES, ["A", "W", 1.0, 1, "note"]]})
    with pytest.raises(
        RowError, match=r"row 11: .* has 5 cells where the header has 4; give each column a name"
    ):
        read(tmp_path)


def refused(folder: Path) -> str:
    with pytest.raises(InputError) as error:
        read(folder)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_sheet_that_cannot_be_told_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "csv", {"drugs": DRUGS})
    path = tmp_path / "responses.xlsx"
    as_workbook(path, {"a": RESPONSES, "b": RESPONSES})
    assert (
        "has both responses.xlsx/a and responses.xlsx/b, which give responses; only one is read"
        in refused(tmp_path)
    )
    as_workbook(path, {"Responses": RESPONSES, "responses ": RESPONSES})
    assert "has both responses.xlsx/Responses and responses.xlsx/responses , which" in refused(tmp_path)
    as_workbook(path, {"responses": []})
    assert "responses.xlsx is empty" in refused(tmp_path)
    as_workbook(path, {"responses": [], "notes": [["by hand"]]})
    assert "responses.xlsx/responses is empty" in refused(tmp_path)
    as_workbook(path, {"responses": RESPONSES})
    as_workbook(tmp_path / "other.xlsx", {"responses": RESPONSES})
    assert "has both other.xlsx and responses.xlsx, which give responses; only one is read" in refused(
        tmp_path
    )


def test_a_workbook_that_is_locked_old_or_has_macros_is_refused(tmp_path: Path) -> None:
    old = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
    path = tmp_path / "responses.xlsx"
    path.write_bytes(old + "EncryptedPackage".encode("utf-16-le"))
    assert "is locked with a password; save it without one" in refused(tmp_path)
    path.write_bytes(old)
    assert "is a workbook of before 2007; save it as .xlsx or CSV" in refused(tmp_path)
    as_workbook(path, {"a": RESPONSES})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"x")
    assert "is a workbook with macros; save it as .xlsx without them" in refused(tmp_path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
    assert "another kind than .xlsx" in refused(tmp_path)


def test_a_cell_far_away_does_not_fill_the_memory(tmp_path: Path) -> None:
    write(tmp_path, "workbooks")
    book = openpyxl.load_workbook(tmp_path / "responses.xlsx")
    book.worksheets[0]["XFD1048576"] = "x"
    book.save(tmp_path / "responses.xlsx")
    assert "spans 1,048,576 rows and 16,384 columns; delete what stands far" in refused(tmp_path)


@pytest.mark.parametrize("kind", ["parquet", "arrow", "workbooks"])
def test_a_file_that_is_cut_off_is_one_line(tmp_path: Path, kind: str) -> None:
    write(tmp_path, kind)
    (path,) = tmp_path.glob("responses.*")
    path.write_bytes(path.read_bytes()[:-200])
    assert "responses" in refused(tmp_path)


def test_32_bit_numbers_have_no_digits_that_nobody_wrote(tmp_path: Path) -> None:
    write(tmp_path, "csv", {"drugs": DRUGS})
    table = pa.table({"drug": ["A"], "cell_line": ["X"], "ln_ic50": pa.array([0.1], pa.float32())})
    parquet.write_table(table, tmp_path / "responses.parquet")
    (edge,) = (t for (kind, _), t in read(tmp_path).edges.items() if kind == "TESTED_ON")
    assert edge["ln_ic50"].to_pylist() == [0.1]


def test_csv_text_is_not_taken_for_a_workbook(tmp_path: Path) -> None:
    write(tmp_path, "csv")
    text = (tmp_path / "responses.csv").read_bytes()
    (tmp_path / "responses.csv").unlink()
    (tmp_path / "responses.zip").write_bytes(zipped(text))
    assert read(tmp_path).edges


@pytest.mark.parametrize("kind", ["parquet", "arrow", "workbooks", "one workbook"])
@pytest.mark.parametrize("packing", [gzip.compress, lzma.compress, bz2.compress, zipped])
def test_a_packed_file_is_unpacked_whatever_is_in_it(
    tmp_path: Path, kind: str, packing: Callable[[bytes], bytes]
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    for path in list(write(tmp_path / "a", kind).iterdir()):
        path.with_name(f"{path.name}.gz").write_bytes(packing(path.read_bytes()))
        path.unlink()
    assert content(read(tmp_path / "a")) == content(read(write(tmp_path / "b", "csv")))


def test_one_workbook_is_a_screen_by_itself(tmp_path: Path) -> None:
    book = write(tmp_path, "one workbook") / "my screen.xlsx"
    (tmp_path / "b").mkdir()
    assert content(read(book)) == content(read(write(tmp_path / "b", "csv")))


def test_a_sheet_of_a_workbook_can_be_given_alone(tmp_path: Path) -> None:
    book = write(tmp_path, "one workbook") / "my screen.xlsx"
    with pytest.raises(
        InputError, match=r"expression in long form \(my screen.xlsx/Expression\), without responses"
    ):
        read(book / "Expression")
    with pytest.raises(
        InputError, match="there is no sheet of this name; the workbook has Read me, Responses"
    ):
        read(book / "Nothing")


def test_a_workbook_that_unpacks_to_far_more_than_its_size_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "UNCHECKED", 1 << 20)
    path = write(tmp_path, "workbooks") / "responses.xlsx"
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings.xml", b"0" * (1 << 22))
    assert "unpacks to 4,194,304 bytes, " in refused(tmp_path)


def test_a_packed_file_that_unpacks_to_far_more_than_its_size_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "UNCHECKED", 1 << 20)
    write(tmp_path, "parquet")
    (tmp_path / "responses.parquet").write_bytes(gzip.compress(b"PAR1" + bytes(1 << 24)))
    assert "unpacks to more than 200 times its size" in refused(tmp_path)


def test_a_row_of_units_and_a_header_that_comes_again_are_said_to_be_that(tmp_path: Path) -> None:
    header, first, *rest = RESPONSES
    units: Sheet = [["", "", "ln µM", ""], ["text", "text", "nM", ""]]
    for row in units:
        write(tmp_path, "workbooks", SCREEN | {"responses": [header, ["A", "W", row[2], 1], *rest]})
        with pytest.raises(
            RowError, match=rf'row 2, column ln_ic50: "{row[2]}" .* is a unit; delete the row of units'
        ):
            read(tmp_path)
    (tmp_path / "responses.xlsx").unlink()
    write(tmp_path, "csv", {"responses": [header, first, header, *rest]})
    with pytest.raises(
        RowError, match=r'row 3: "Drug" and the cells behind it repeat the header; delete this row'
    ):
        read(tmp_path)
    assert [r.row for r in read(tmp_path, reject=True).rejected] == [3]


def test_merged_cells_in_a_header_are_said_to_be_that(tmp_path: Path) -> None:
    write(tmp_path, "workbooks", SCREEN | {"responses": [["Drug", "", "Response", "plate"], *RESPONSES]})
    book = openpyxl.load_workbook(tmp_path / "responses.xlsx")
    book.worksheets[0].merge_cells("A1:B1")
    book.save(tmp_path / "responses.xlsx")
    assert "cells without a name, as merged ones leave, are in this row: give each column its own" in refused(
        tmp_path
    )


def test_anndata_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "responses.h5ad").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(64))
    said = refused(tmp_path)
    assert "is an HDF5 file, as AnnData writes; save its table with adata.to_df().to_parquet(" in said
