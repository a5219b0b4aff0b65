"""What people meet first when they load a screen of their own: each message names the way out."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
import torch

from pharmagraph.ingest.dose_response.points import read as read_points
from pharmagraph.ingest.manifest.guess import guessed
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.shapes.recognise import recognise
from pharmagraph.ingest.sources.checked_screen import checked_screen
from pharmagraph.kg.errors import InputError, RowError
from pharmagraph.kg.reading import numbers
from pharmagraph.model.inputs.principal_components import PrincipalComponents
from tests.cli.typed import typed

VALUES = {"A": (-2, 1, 2, 3), "B": (-1, 2, 1, 3), "C": (3, 2, 0, -1)}
ROWS = [(drug, line, value) for drug, of in VALUES.items() for line, value in zip("WXYZ", of, strict=True)]
DRUGS = "drug,smiles\nA,CCO\nB,CCN\nC,c1ccccc1\n"


def screen(
    folder: Path, header: str = "drug,cell_line,ln_ic50", *, drugs: str = DRUGS, above: str = ""
) -> Path:
    rows = "".join(f"{drug},{line},{value}\n" for drug, line, value in ROWS)
    (folder / "responses.csv").write_text(f"{header}\n{above}{rows}")
    (folder / "drugs.csv").write_text(drugs)
    return folder


def refused(folder: Path) -> str:
    with pytest.raises((InputError, RowError)) as caught:
        checked_screen(folder, Rejections(), without_smiles=False)
    return str(caught.value)


def book(folder: Path, *above: list[str]) -> Path:
    """A workbook of responses whose columns have other names, below rows of titles."""
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    for row in (*above, ["Compound", "Cell Line", "IC50 (nM)"], *map(list, ROWS)):
        sheet.append(row)
    workbook.save(folder / "results.xlsx")
    return folder


@pytest.mark.once
def test_a_screen_without_a_gene_is_trained_on(tmp_path: Path) -> None:
    """An index beyond an empty list of eigenvalues ended it with a traceback."""
    screen(tmp_path)
    store = f"ladybug://{tmp_path / 'a.lbug'}"
    assert typed("ingest", "tables", str(tmp_path), "--store", store, "--quiet").returncode == 0
    trained = typed("train", "--preset", "fast", "--store", store, "--quiet", cwd=tmp_path)
    assert trained.returncode == 0, trained.stderr
    assert "Warning" not in trained.stderr
    predicted = typed("predict", "--drug", "A", "--cell", "W", "--store", store, cwd=tmp_path)
    assert "Traceback" not in predicted.stderr


def test_features_of_no_columns_have_no_axis() -> None:
    assert PrincipalComponents(0, 4, torch.zeros(3, 0))(torch.zeros(3, 0)).tolist() == [[0.0] * 4] * 3
    assert PrincipalComponents(3, 4, torch.zeros(0, 3)).axes.abs().sum() == 0


def test_areas_alone_are_said_to_be_too_little_for_either_task(tmp_path: Path) -> None:
    """Each task pointed to the other one."""
    (tmp_path / "responses.csv").write_text("drug,cell_line,auc\nA,X,0.5\nA,Y,0.6\nB,X,0.7\nB,Y,0.4\n")
    (tmp_path / "drugs.csv").write_text(DRUGS)
    store = f"ladybug://{tmp_path / 'a.lbug'}"
    assert typed("ingest", "tables", str(tmp_path), "--store", store, "--quiet").returncode == 0
    for task in ("classification", "regression"):
        said = typed("train", "--task", task, "--store", store, cwd=tmp_path)
        assert (said.returncode, "areas (auc) alone are not enough" in said.stderr) == (1, True), said.stderr


def test_a_title_above_the_header_is_said_to_be_that(tmp_path: Path) -> None:
    book(tmp_path, ["IC50 summary, run 7"])
    said = '"IC50 summary, run 7" is alone in row 1: if it is a title, delete the rows above the header'
    with pytest.raises(InputError) as caught:
        recognise(tmp_path)
    assert said in str(caught.value)
    screen(tmp_path)
    assert said in guessed(tmp_path).others[0]
    (tmp_path / "results.xlsx").unlink()
    screen(tmp_path, "My screen\ndrug,cell_line,ln_ic50")
    assert '"My screen" is alone in row 1: if it is a title' in refused(tmp_path)


def test_responses_with_columns_of_other_names_are_led_to_a_manifest(tmp_path: Path) -> None:
    """The nearest shape was a list of cell lines, and the command for the manifest was there twice."""
    book(tmp_path)
    with pytest.raises(InputError) as caught:
        recognise(tmp_path)
    assert "may hold responses, but its columns are called otherwise (Compound, Cell Line, IC50 (nM))" in str(
        caught.value
    )
    assert str(caught.value).count("--init") == 1


def test_a_file_that_is_not_read_is_named_beside_those_that_are(tmp_path: Path) -> None:
    (tmp_path / "drugs.csv").write_text(DRUGS)
    (tmp_path / "ln_ic50.csv").write_text("ln_ic50,W,X\nA,1,2\nB,2,1\n")
    (tmp_path / "more.csv").write_text("p,q\n1,2\n")
    with pytest.raises(
        InputError, match=r"not read: .*ln_ic50\.csv .*; 1 more file is not read; put responses"
    ):
        recognise(tmp_path)


@pytest.mark.parametrize("unit", ["nM", "(nM)", "µM"])
def test_a_row_of_units_without_names_is_said_to_be_that(tmp_path: Path, unit: str) -> None:
    """The empty name came first: "fill it or delete the row"."""
    said = refused(screen(tmp_path, above=f",,{unit}\n"))
    assert f'row 2: "{unit}" is a unit, as are all words of this row; delete it' in said


def test_a_row_with_a_unit_further_down_is_no_row_of_units(tmp_path: Path) -> None:
    assert 'row 3, column drug: "" is empty' in refused(screen(tmp_path, above="D,W,1\n,,nM\n"))


@pytest.mark.parametrize(
    ("text", "way"),
    [
        ("> 10 uM", "it has a unit behind the number; write >10,"),
        ("0.144 uM", "it has a unit behind the number; write 0.144,"),
        ("50%", "it has a unit behind the number; write 50,"),
        ("3.1 ± 0.2", "it is a mean with its error; write 3.1"),
        ("3.1 +/- 0.2", "it is a mean with its error; write 3.1"),
        ("n.d.", "leave the cell empty where there is no value"),
        ("Not reached", "leave the cell empty where there is no value"),
        ("~5", "it is censored, a bound of the value"),
    ],
)
def test_a_number_with_more_in_its_cell_is_refused_with_what_to_write(text: str, way: str) -> None:
    with pytest.raises(numbers.NotANumberError, match=rf"is not a finite number: {way}".replace("+", r"\+")):
        numbers.as_number(text)


@pytest.mark.parametrize("text", ["R", "0.42"])
def test_a_class_that_is_none_is_refused_with_the_two(tmp_path: Path, text: str) -> None:
    screen(tmp_path, "drug,cell_line,response")
    (tmp_path / "responses.csv").write_text(f"drug,cell_line,response\nA,W,{text}\n")
    assert f'"{text}" is not a' in refused(tmp_path)
    assert "; write 1 for sensitive and 0 for resistant" in refused(tmp_path)


@pytest.mark.parametrize(
    ("drugs", "there"),
    [
        ("drug,SMILE\nA,CCO\n", "drugs.csv has no column smiles, but SMILE)"),
        ("drug,smiles\nA,\n", "the column smiles of"),
        ("drug,smiles\nA mesylate,CCO\n", "drugs.csv has those of AMESYLATE)"),
    ],
)
def test_a_screen_without_structures_says_what_the_table_of_drugs_has(
    tmp_path: Path, drugs: str, there: str
) -> None:
    said = refused(screen(tmp_path, drugs=drugs))
    assert "none of the 3 drugs" in said
    assert there in said


def test_inhibition_is_said_to_be_turned_round(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text("drug,cell_line,dose_uM,inhibition\nA,X,1,50\n")
    with pytest.raises(InputError, match='viability is 100 % less "inhibition"'):
        read_points(tmp_path / "points.csv")


def test_an_alias_of_a_gene_is_led_to_the_names_before_new_genes(tmp_path: Path) -> None:
    """`--new-genes` alone would have made HER2 a second node beside ERBB2."""
    screen(tmp_path)
    (tmp_path / "expression.csv").write_text("cell_line,gene,value\nW,ERBB2,1\nX,ERBB2,2\n")
    (tmp_path / "targets.txt").write_text("drug,gene\nA,HER2\n")
    (tmp_path / "targets.txt").rename(tmp_path.parent / f"{tmp_path.name}.csv")
    store = f"ladybug://{tmp_path / 'a.lbug'}"
    assert typed("ingest", "tables", str(tmp_path), "--store", store, "--quiet").returncode == 0
    said = typed(
        "ingest", "targets", str(tmp_path.parent / f"{tmp_path.name}.csv"), "--store", store, "--quiet"
    )
    assert said.returncode == 1
    assert "load the names first (cli ingest genes); --new-genes adds a gene" in said.stderr


def test_a_check_prints_a_table_for_each_file_whatever_the_length_of_its_name(tmp_path: Path) -> None:
    """The 57 letters of PRISM's file made each of 27 rows a block of lines."""
    screen(tmp_path)
    (tmp_path / "cells.csv").write_text("cell_line,tissue\nW,lung\n")
    long = tmp_path / "a-screen-of-ours-with-a-folder-name-that-is-longer-than-a-column"
    long.mkdir()
    for name in ("responses.csv", "drugs.csv", "cells.csv"):
        (tmp_path / name).rename(long / name)
    said = typed("ingest", "tables", str(long), "--check").stdout.splitlines()
    titles = [line for line in said if line.startswith(long.name)]
    assert [title.rpartition("/")[2] for title in titles] == ["responses.csv", "drugs.csv", "cells.csv"]
    assert "column  ln_ic50" in " ".join(
        line for line in said if "natural logarithm" in line or "ln_ic50" in line
    )
    assert max(len(line) for line in said if line not in titles) <= 100
