"""An ln IC50 of which a bound is known keeps its side, is labelled where that decides, and refused where unclear."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pharmagraph.ingest.bundle import Bundle
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.sources import tables
from pharmagraph.kg.errors import RowError


def read(
    folder: Path, text: str, *, threshold: str = "ln:0", reject: bool = False
) -> tuple[Bundle, Rejections]:
    (folder / "responses.csv").write_text(text, encoding="utf-8")
    rejections = Rejections(keep_going=reject)
    return tables.read(folder, rejections, threshold=threshold, without_smiles=True), rejections


def by_line(bundle: Bundle) -> dict[str, dict[str, Any]]:
    return {row["dst"]: row for row in bundle.edges["TESTED_ON", ("Drug", "CellLine")].to_pylist()}


@pytest.mark.parametrize(
    "text",
    [
        "drug,cell_line,ln_ic50\nD,A,>2.3\nD,B,<-4\nD,C,1\n",
        "drug,cell_line,ln_ic50\nD,A, >= 2.3\nD,B,≤\u22124\nD,C,1\n",
        "drug,cell_line,ln_ic50,censored\nD,A,2.3,above\nD,B,-4,Below\nD,C,1,\n",
        "drug,cell_line,ln_ic50,censored\nD,A,>2.3,above\nD,B,<-4,\nD,C,1,\n",
        "drug,cell_line,ln_ic50,censored,bound\nD,A,,above,2.3\nD,B,,below,-4\nD,C,1,,\n",
        "censored,bound,drug,cell_line,ln_ic50\nabove,2.3,D,A,2.3\nbelow,,D,B,-4\n,,D,C,1\n",
    ],
)
def test_bounds_as_people_write_them(tmp_path: Path, text: str) -> None:
    found = by_line(read(tmp_path, text)[0])
    assert {line: (row["ln_ic50"], row["censored"]) for line, row in found.items()} == {
        "A": (2.3, "above"), "B": (-4, "below"), "C": (1, None),
    }  # fmt: skip


def test_a_label_is_given_where_the_bound_decides_it_and_the_others_are_counted(tmp_path: Path) -> None:
    rows = {"A": ">1", "B": ">-1", "C": "<-1", "D": "<1", "E": "-2", "F": "2", "G": ">0", "H": "<0"}
    text = "drug,cell_line,ln_ic50\n" + "".join(f"X,{line},{value}\n" for line, value in rows.items())
    bundle, _ = read(tmp_path, text)
    assert {line: row["response"] for line, row in by_line(bundle).items()} == {
        "A": 0, "B": None, "C": 1, "D": None, "E": 1, "F": 0, "G": None, "H": 1,
    }  # fmt: skip
    assert any(note.startswith("3 censored responses have no label by ln:0") for note in bundle.notes)
    assert all((row["threshold"] is None) == (row["response"] is None) for row in by_line(bundle).values())


def test_a_drug_that_was_capped_in_every_line_has_no_label(tmp_path: Path) -> None:
    text = "drug,cell_line,ln_ic50\nX,A,>1\nX,B,>1\nY,A,1\nY,B,-3\nY,C,2\n"
    bundle, _ = read(tmp_path, text, threshold="z:-0.8")
    assert {
        r["src"] for r in bundle.edges["TESTED_ON", ("Drug", "CellLine")].to_pylist() if r["response"] is None
    } == {"X"}
    assert not any("censored responses" in note for note in bundle.notes)


def test_the_figures_and_flags_of_a_curve_are_kept_and_odd_ones_cost_the_value_alone(tmp_path: Path) -> None:
    text = "drug,cell_line,ln_ic50,e_inf,hill,r2,flags\nX,A,>1,0.9,1.5,x,no_response;poor_fit\nX,B,-1,,,,\n"
    bundle, rejections = read(tmp_path, text)
    row = by_line(bundle)["A"]
    assert (row["e_inf"], row["hill"], row["r2"], row["flags"]) == (0.9, 1.5, None, "no_response;poor_fit")
    assert {by_line(bundle)["B"][name] for name in ("e_inf", "hill", "r2", "flags")} == {None}
    assert [r.reason for r in rejections.rejected] == [
        "is not a finite number, in column r2; the value is left out"
    ]


@pytest.mark.parametrize(
    ("columns", "row", "said"),
    [
        ("ln_ic50,censored", "2,maybe", 'column censored: "maybe" is not above, below or empty'),
        ("ln_ic50,censored", ">2,below", 'column censored: "below and above" is not above, below or empty'),
        ("auc,ln_ic50,censored", "0.5,,above", 'column censored: "above" needs the bound'),
        ("ln_ic50,bound", "1,2", 'column bound: "2" is a bound without a side'),
        ("ln_ic50,bound,censored", "1,2,above", 'column bound: "2" is not the value in ln_ic50'),
        ("ln_ic50", "~2", 'column ln_ic50: "~2" is not a finite number: it is censored'),
        ("ln_ic50", ">", 'column ln_ic50: ">" is not a finite number'),
        ("auc", ">2", 'column auc: ">2" is not a finite number: it is censored'),
    ],
)
def test_what_contradicts_itself_is_a_bad_row(tmp_path: Path, columns: str, row: str, said: str) -> None:
    commas = "," * columns.count(",")
    text = f"drug,cell_line,{columns}\nX,A,{row}\nX,B,1{commas}\n"
    with pytest.raises(RowError) as caught:
        read(tmp_path, text)
    assert said in str(caught.value) and "row 2" in str(caught.value) and "\n" not in str(caught.value)
    bundle, rejections = read(tmp_path, text, reject=True)
    assert list(by_line(bundle)) == ["B"] and len(rejections.rejected) == 1
