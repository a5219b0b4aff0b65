"""`cli ingest tables --check` says what a load would do, ends as the load would, and loads nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path

import openpyxl
import pytest

from pharmagraph.ingest.longform import read_long
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.kg.errors import RowError
from pharmagraph.kg.store import open_store
from tests.cli.typed import typed

RESPONSES = "drug,cell_line,ln_ic50,plate\nA,X,1.5,1\nA,Y,-2,1\nB,X,0.5,2\nC,X,1,2\n"
DRUGS = "drug,smiles\nA,CCO\nB,CCN\n"
EXPRESSION = "cell_line,gene,value\nX,EGFR,1\nY,EGFR,2\nX,TP53,4\nY,TP53,1\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "responses.csv").write_text(RESPONSES)
    (tmp_path / "drugs.csv").write_text(DRUGS)
    (tmp_path / "expression.csv").write_text(EXPRESSION)
    return tmp_path


def check(folder: Path, *options: str) -> tuple[int, dict[str, int], list[dict[str, object]], str]:
    """Exit code, sizes, all rows, and standard error."""
    ran = typed("ingest", "tables", str(folder), "--check", "--format", "json", *options)
    rows = json.loads(ran.stdout) if ran.stdout else []
    sizes = {r["name"]: r["number"] for r in rows if r["what"] == "loaded"}
    return ran.returncode, sizes, rows, ran.stderr


def test_a_check_counts_what_a_load_then_loads(folder: Path) -> None:
    code, sizes, rows, _ = check(folder)
    assert (code, sizes) == (0, {"drugs": 2, "cell lines": 2, "pairs": 3, "genes": 2})
    columns = {r["name"]: r["detail"] for r in rows if r["what"] == "column"}
    assert columns["ln_ic50"] == "read as ln_ic50 (the natural logarithm of IC50 in µmol/l)"
    assert columns["plate"] == "not read"
    store = f"ladybug://{folder / 'a.lbug'}"
    ran = typed("ingest", "tables", str(folder), "--store", store, "--quiet", "--format", "json")
    loaded = {row["kind"]: row["inserted"] for row in json.loads(ran.stdout) if row["kind"] != "SIMILAR_TO"}
    assert ran.returncode == 0
    assert (loaded["Drug"], loaded["CellLine"], loaded["TESTED_ON"], loaded["Gene"]) == (2, 2, 3, 2)


def test_a_check_makes_no_store(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = folder / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    assert check(folder)[0] == 0
    assert list(work.iterdir()) == []


def test_bad_rows_are_counted_by_reason_and_end_as_the_load_does(folder: Path) -> None:
    bad = 'A,Z,"1,5",1\nB,Z,"2,5",1\nB,Y,high,1\n'
    (folder / "responses.csv").write_text(RESPONSES + bad)
    code, sizes, rows, err = check(folder)
    assert (code, sizes["pairs"]) == (1, 3)
    assert err.splitlines()[0].startswith("error: ") and 'row 6, column ln_ic50: "1,5"' in err.splitlines()[0]
    reasons = [(r["number"], r["detail"]) for r in rows if r["what"] == "left out"]
    assert [n for n, text in reasons if "decimal comma" in str(text)] == [2]
    assert [n for n, text in reasons if '"high"' in str(text)] == [1]
    assert "3 bad rows" in err
    code, _, _, err = check(folder, "--reject-rows")
    assert code == 0 and "error" not in err
    store = f"ladybug://{folder / 'a.lbug'}"
    assert typed("ingest", "tables", str(folder), "--store", store, "--quiet").returncode == 1


def test_a_lacking_column_of_the_last_file_is_said_before_rows_are_read(folder: Path) -> None:
    (folder / "responses.csv").write_text(RESPONSES + "A,Z,yes,1\n")
    (folder / "expression.csv").write_text("cell_line,symbol,value\nX,EGFR,1\n")
    code, _, rows, err = check(folder)
    assert (code, rows) == (1, [])
    assert 'no column "gene"' in err and "yes" not in err


def test_a_bad_row_is_told_before_the_rest_is_read(tmp_path: Path) -> None:
    """The file has a second bad row far behind, at which the caller would stop later."""
    good = "".join(f"D{n},X,1\n" for n in range(200_000))
    path = tmp_path / "responses.csv"
    path.write_text("drug,cell_line,ln_ic50\nA,X,yes\n" + good + "A,Y,no\n")
    seen: list[str] = []

    def stop(error: RowError) -> None:
        seen.append(str(error.value))
        raise error

    with pytest.raises(RowError, match="row 2"):
        read_long(path, "responses", Rejections(keep_going=True, told=stop), kind="TESTED_ON")
    assert seen == ["yes"]


@pytest.mark.parametrize(
    ("said", "options", "rule"),
    [
        ("", (), "z:-0.8"),
        ("threshold: ln:0\n", (), "ln:0"),
        ("threshold: ln:0\n", ("--threshold", "drug-median"), "drug-median"),
        ("", ("--threshold", "ln:0"), "ln:0"),
    ],
)
def test_a_check_labels_by_the_rule_by_which_the_load_does(
    tmp_path: Path, said: str, options: tuple[str, ...], rule: str
) -> None:
    values = {"A": (0.5, -1, 3, -0.2), "B": (2, 1.5, 1, -3), "C": (1, 1, 1, 1)}
    pairs = [
        f"{drug},{line},{v}\n" for drug, of in values.items() for line, v in zip("WXYZ", of, strict=True)
    ]
    (tmp_path / "responses.csv").write_text("drug,cell_line,ln_ic50\n" + "".join(pairs))
    (tmp_path / "manifest.yaml").write_text(f"{said}responses:\n  file: responses.csv\n")
    code, _, rows, err = check(tmp_path, "--without-smiles", *options)
    assert code == 0
    labels = {row["name"]: row["number"] for row in rows if row["what"] == "label"}
    assert {row["detail"] for row in rows if row["what"] == "label"} == {f"by {rule}"}
    store = f"ladybug://{tmp_path / 'a.lbug'}"
    ran = typed("ingest", "tables", str(tmp_path), "--store", store, "--quiet", "--without-smiles", *options)
    assert ran.returncode == 0
    with open_store(store) as graph:
        stored = graph.read_edges("TESTED_ON", ("Drug", "CellLine"), ["response"])["response"].to_pylist()
    names = {"sensitive": 1, "resistant": 0, "no label": None}
    assert labels == {name: stored.count(value) for name, value in names.items()}
    assert ("have no label by" in err) == ("have no label by" in ran.stdout)


def workbook(folder: Path) -> Path:
    """Two sheets of responses, of which the second has a pair less, and one of drugs."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, text in (
        ("Run 1", RESPONSES),
        ("Run 2", RESPONSES[: RESPONSES.index("C,X")]),
        ("drugs", DRUGS),
    ):
        sheet = book.create_sheet(name)
        for line in text.splitlines():
            sheet.append(
                [float(c) if c.lstrip("-").replace(".", "").isdigit() else c for c in line.split(",")]
            )
    book.save(folder / "book.xlsx")
    return folder / "book.xlsx"


@pytest.mark.parametrize("files", ["sheets of a workbook", "sheets in a folder", "files"])
@pytest.mark.parametrize("chosen", [0, 1])
def test_the_way_out_of_two_tables_of_one_kind_works_as_it_is_written(
    tmp_path: Path, files: str, chosen: int
) -> None:
    place = tmp_path / "lab"
    place.mkdir()
    if files == "files":
        (place / "one.csv").write_text(RESPONSES)
        (place / "two.csv").write_text(RESPONSES[: RESPONSES.index("C,X")])
        (place / "drugs.csv").write_text(DRUGS)
    else:
        book = workbook(place)
    given = book if files == "sheets of a workbook" else place
    refused = typed("ingest", "tables", str(given), "--check").stderr
    found = re.search(
        r"has both (.+?) and (.+?), which give responses.*: cli (ingest tables (\S+) --init) ", refused
    )
    assert found is not None, refused
    assert typed(*found[3].split()).returncode == 0
    manifest = Path(found[4]) / "manifest.yaml"
    manifest.write_text(manifest.read_text().replace(f"file: {found[1]}", f"file: {found[1 + chosen]}"))
    code, sizes, _, err = check(Path(found[4]), "--without-smiles")
    assert code == 0, err
    assert sizes["pairs"] == (4, 3)[chosen]
