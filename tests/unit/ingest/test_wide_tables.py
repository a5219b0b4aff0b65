"""Wide tables give the same screen as tables in long form, whichever way they lie; what nothing tells is refused."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pharmagraph.ingest.bundle import Bundle
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.shapes.sides import Known, side_of
from pharmagraph.ingest.sources import tables
from pharmagraph.kg.errors import InputError, RowError
from tests.cli.typed import typed

DRUGS, LINES, GENES = (
    ["Erlotinib", "PLX-4720", "Nutlin-3a"],
    ["A375", "HT-29", "MC-CAR", "TT"],
    ["EGFR", "TP53"],
)
IC50 = np.array([[1.5, -2.0, np.nan, 0.25], [0.5, 1.0, 3.5, -0.75], [2.0, np.nan, 0.125, 1.0]])
LEVELS = np.array([[5.25, 0.5], [0.0, 6.75], [4.5, 3.875], [7.125, 8.0]])
SMILES = ["CCO", "CCN", "CCC"]


def save(path: Path, rows: list[list[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["" if c != c else c for c in row] for row in rows])


def wide(corner: str, top: list[str], side: list[str], values: np.ndarray) -> list[list[object]]:
    return [[corner, *top], *([name, *row] for name, row in zip(side, values.tolist(), strict=True))]


def long(folder: Path) -> Path:
    pairs = [
        [d, c, IC50[i, j]]
        for i, d in enumerate(DRUGS)
        for j, c in enumerate(LINES)
        if not np.isnan(IC50[i, j])
    ]
    levels = [[c, g, LEVELS[j, k]] for j, c in enumerate(LINES) for k, g in enumerate(GENES)]
    folder.mkdir(exist_ok=True)
    save(folder / "responses.csv", [["drug", "cell_line", "ln_ic50"], *pairs])
    save(folder / "expression.csv", [["cell_line", "gene", "value"], *levels])
    return with_drugs(folder)


def with_drugs(folder: Path) -> Path:
    save(folder / "drugs.csv", [["drug", "smiles"], *zip(DRUGS, SMILES, strict=True)])  # type: ignore[list-item]
    return folder


def read(folder: Path, **options: bool) -> Bundle:
    return tables.read(folder, Rejections(**options))


def content(bundle: Bundle) -> list[object]:
    """Nodes and edges in the order of their names, and profiles."""

    def ordered(table: object) -> list[str]:
        return sorted(map(str, table.to_pylist()))  # type: ignore[attr-defined]

    edges = {key: ordered(table.drop_columns(["dataset"])) for key, table in bundle.edges.items()}
    return [{label: ordered(t) for label, t in bundle.nodes.items()}, edges]


@pytest.mark.parametrize("expression", ["lines down", "genes down", "with Entrez ids"])
@pytest.mark.parametrize("responses", ["drugs down", "lines down"])
def test_the_way_a_table_lies_is_found_from_the_other_files(
    tmp_path: Path, responses: str, expression: str
) -> None:
    folder = tmp_path / "w"
    folder.mkdir()
    turned = (LINES, DRUGS, IC50) if responses == "drugs down" else (DRUGS, LINES, IC50.T)
    save(folder / "responses.csv", wide("ln_ic50", *turned))
    genes = [f"{g} ({n})" for n, g in enumerate(GENES, 1)] if expression == "with Entrez ids" else GENES
    lies = (LINES, genes, LEVELS.T) if expression == "genes down" else (genes, LINES, LEVELS)
    save(folder / "expression.csv", wide("", *lies))
    found, expected = read(with_drugs(folder)), read(long(tmp_path / "long"))
    if expression == "with Entrez ids":
        assert dict(zip(*[found.nodes["Gene"][c].to_pylist() for c in ("id", "entrez_id")], strict=True)) == {
            "EGFR": 1, "TP53": 2,
        }  # fmt: skip
        assert content(found)[1] == content(expected)[1]
    else:
        assert content(found) == content(expected)


@pytest.mark.parametrize("corner", ["drug", "Compound", "drug name"])
def test_the_first_column_tells_where_no_other_file_does(tmp_path: Path, corner: str) -> None:
    labels = (np.nan_to_num(IC50) > 0).astype(float)
    save(tmp_path / "responses.csv", wide(corner, LINES, DRUGS, labels))
    bundle = tables.read(tmp_path, Rejections(), without_smiles=True)
    edges = bundle.edges["TESTED_ON", ("Drug", "CellLine")].to_pylist()
    assert {(e["src"], e["dst"]): e["response"] for e in edges}["ERLOTINIB", "A375"] == 1
    assert len(edges) == labels.size
    assert bundle.nodes["Drug"]["name"].to_pylist() == sorted(DRUGS, key=str.upper)


def test_a_parquet_file_of_pandas_has_its_index_down_the_side(tmp_path: Path) -> None:
    folder = tmp_path / "w"
    folder.mkdir()
    pd.DataFrame(IC50, pd.Index(DRUGS, name="ln_ic50"), LINES).to_parquet(folder / "responses.parquet")
    pd.DataFrame(LEVELS, pd.Index(LINES), GENES).to_parquet(folder / "expression.parquet")
    assert content(read(with_drugs(folder))) == content(read(long(tmp_path / "long")))


def refused(folder: Path) -> str:
    with pytest.raises(InputError) as error:
        read(folder)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_what_nothing_tells_is_refused_with_the_way_out(tmp_path: Path) -> None:
    save(tmp_path / "responses.csv", wide("", LINES, DRUGS, IC50))
    assert "nothing says what its values are (-2 to 3.5): call its first column ln_ic50" in refused(tmp_path)
    save(tmp_path / "responses.csv", wide("ln_ic50", LINES, DRUGS, IC50))
    said = refused(tmp_path)
    assert "nothing tells whether Erlotinib, PLX-4720, Nutlin-3a (down the side) or A375, HT-29" in said
    assert "If drugs are down the side, write rows: drug below its file in manifest.yaml" in said
    assert "if cell lines are, write rows: cell_line" in said
    with_drugs(tmp_path)
    save(tmp_path / "responses.csv", wide("IC50", LINES, DRUGS, np.abs(IC50)))
    assert "says no unit" in refused(tmp_path)
    save(tmp_path / "responses.csv", wide("IC50 (nM)", LINES, DRUGS, np.abs(IC50)))
    edges = read(tmp_path).edges["TESTED_ON", ("Drug", "CellLine")].to_pylist()
    of_pair = {(e["src"], e["dst"]): e["ln_ic50"] for e in edges}
    assert of_pair["ERLOTINIB", "A375"] == pytest.approx(np.log(1.5e-3))
    assert len(of_pair) == int((~np.isnan(IC50)).sum())


SIDES = {
    "DepMap ids": [f"ACH-{n:06}" for n in (12, 7, 900, 31)],
    "COSMIC ids": ["905901", "906826", "1240121", "2054094"],
    "Passports ids": [f"SIDM{n:05}" for n in (12, 7, 900, 31)],
}


@pytest.mark.parametrize("lies", ["straight", "turned"])
@pytest.mark.parametrize("form", SIDES)
def test_ids_of_cell_lines_tell_their_side(tmp_path: Path, form: str, lies: str) -> None:
    """Neither another file nor the first column does."""
    top, side, values = (SIDES[form], DRUGS, IC50) if lies == "straight" else (DRUGS, SIDES[form], IC50.T)
    save(tmp_path / "responses.csv", wide("ln_ic50", top, side, values))
    bundle = tables.read(tmp_path, Rejections(), without_smiles=True)
    assert bundle.nodes["Drug"]["name"].to_pylist() == sorted(DRUGS, key=str.upper)
    assert set(bundle.nodes["CellLine"]["name"].to_pylist()) == set(SIDES[form])


@pytest.mark.parametrize("lies", ["straight", "turned"])
@pytest.mark.parametrize("column", ["depmap_id", "cosmic_id", "cellosaurus_id"])
def test_ids_of_the_table_of_cell_lines_tell_the_side(tmp_path: Path, column: str, lies: str) -> None:
    """The ids have no form of their own, as a lab's numbers."""
    ids = ["11", "12", "13", "14"]
    with_drugs(tmp_path)
    save(tmp_path / "cells.csv", [["cell_line", column], *zip(LINES, ids, strict=True)])  # type: ignore[list-item]
    (tmp_path / "drugs.csv").unlink()
    top, side, values = (ids, DRUGS, IC50) if lies == "straight" else (DRUGS, ids, IC50.T)
    save(tmp_path / "responses.csv", wide("ln_ic50", top, side, values))
    bundle = tables.read(tmp_path, Rejections(), without_smiles=True)
    assert set(bundle.nodes["CellLine"]["name"].to_pylist()) == set(LINES)
    assert bundle.nodes["Drug"]["name"].to_pylist() == sorted(DRUGS, key=str.upper)


@pytest.mark.parametrize("lies", ["straight", "turned"])
@pytest.mark.parametrize("form", ["{} (1956)", "{}|1956"])
def test_genes_beside_ids_tell_their_side(tmp_path: Path, form: str, lies: str) -> None:
    """The names of cell lines are in no other file, as those of lines that were not tested would be."""
    genes = [form.format(gene) for gene in GENES]
    lines = ["L1", "L2", "L3", "L4"]
    top, side = (genes, lines) if lies == "straight" else (lines, genes)
    known = Known()
    found, because = side_of((side, top), "", ("gene", "cell_line"), known, "x.csv")
    assert found == ("cell_line" if lies == "straight" else "gene")
    assert because == "by 2 names that are ids of cell lines, or genes beside an id"


@pytest.mark.parametrize("rows", ["drug", "cell_line"])
def test_the_line_that_the_refusal_names_decides(tmp_path: Path, rows: str) -> None:
    values = IC50 if rows == "drug" else IC50.T
    top, side = (LINES, DRUGS) if rows == "drug" else (DRUGS, LINES)
    save(tmp_path / "responses.csv", wide("ln_ic50", top, side, values))
    assert f"write rows: {rows}" in refused(tmp_path)
    ran = typed("ingest", "tables", str(tmp_path), "--init")
    text = (tmp_path / "manifest.yaml").read_text()
    assert ran.returncode == 0 and "rows: fill-in" in text
    (tmp_path / "manifest.yaml").write_text(text.replace("rows: fill-in", f"rows: {rows}"))
    bundle = tables.read(tmp_path, Rejections(), without_smiles=True)
    assert bundle.nodes["Drug"]["name"].to_pylist() == sorted(DRUGS, key=str.upper)


def test_a_first_column_that_says_otherwise_than_the_names_is_refused(tmp_path: Path) -> None:
    with_drugs(tmp_path)
    labels = (np.nan_to_num(IC50) > 0).astype(float)
    save(tmp_path / "responses.csv", wide("cell line", LINES, DRUGS, labels))
    assert (
        'the first column "cell line" says that down the side are cell lines, and 3 names that the other files have, '
        "too, say that drugs are"
    ) in refused(tmp_path)


def test_a_bad_cell_is_named_and_can_be_rejected(tmp_path: Path) -> None:
    with_drugs(tmp_path)
    rows = wide("ln_ic50", LINES, DRUGS, IC50)
    rows[2][2] = "1,5"
    save(tmp_path / "responses.csv", rows)
    with pytest.raises(
        RowError, match=r'responses.csv, row 3, column HT-29: "1,5" .*decimal comma; write 1.5'
    ):
        read(tmp_path)
    bundle = read(tmp_path, keep_going=True)
    assert bundle.edges["TESTED_ON", ("Drug", "CellLine")].num_rows == int((~np.isnan(IC50)).sum()) - 1


@pytest.mark.parametrize(
    ("lines", "genes", "said"),
    [
        (["A375", "A-375", "HT-29", "TT"], GENES, "A375 and A-375 are the same cell line; keep one"),
        (LINES, ["EGFR (1)", "EGFR (2)"], "EGFR and EGFR are the same gene; keep one"),
    ],
)
def test_a_name_that_is_there_twice_is_refused(
    tmp_path: Path, lines: list[str], genes: list[str], said: str
) -> None:
    long(tmp_path)
    save(tmp_path / "expression.csv", wide("cell_line", genes, lines, LEVELS))
    assert said in refused(tmp_path)


def test_a_drug_that_is_there_twice_under_two_spellings_is_a_bad_row(tmp_path: Path) -> None:
    with_drugs(tmp_path)
    save(tmp_path / "responses.csv", wide("ln_ic50", LINES, ["Erlotinib", "PLX-4720", "PLX4720"], IC50))
    assert "under another spelling; keep one" in refused(tmp_path)
