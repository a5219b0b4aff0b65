"""Tables and folders of people who are careless or mean harm: each is loaded rightly, or refused in a line."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from pharmagraph.ingest import check_tables, dataset_ids
from pharmagraph.ingest.known import Known
from pharmagraph.ingest.manifest.entries import read_manifest
from pharmagraph.ingest.rejections import Rejected, Rejections, require_place, write
from pharmagraph.ingest.sources import pathways, tables
from pharmagraph.kg.errors import InputError, RowError
from pharmagraph.kg.names import Names

LINES = ["A375", "MCF7", "HeLa", "BT-474"]
DRUGS = {"Erlotinib": "CCO", "Gefitinib": "CCN", "Imatinib": "CCCl"}
RESPONSES = "drug,cell_line,ln_ic50\n" + "".join(
    f"{drug},{line},{i + j / 7 - 2}\n" for i, drug in enumerate(DRUGS) for j, line in enumerate(LINES)
)
STRUCTURES = "drug,smiles\n" + "".join(f"{drug},{smiles}\n" for drug, smiles in DRUGS.items())


def folder(place: Path, **files: str) -> Path:
    for name, text in ({"responses": RESPONSES, "drugs": STRUCTURES} | files).items():
        (place / f"{name}.csv").write_text(text, encoding="utf-8")
    return place


def wide(corner: str, columns: list[str], cell: str = "") -> str:
    head = ",".join([corner, *columns])
    rows = [
        ",".join([gene, *(cell or f"{2 + n * (i + 1) / 3:.2f}" for i in range(len(columns)))])
        for n, gene in enumerate(("EGFR", "TP53", "KRAS"))
    ]
    return "\n".join([head, *rows]) + "\n"


REJECTED = (Rejected("TESTED_ON", "responses.csv", 2, "ln_ic50", "x", "is not a finite number"),)


@pytest.mark.parametrize("name", ["../../mine", "/etc/mine", "a/b", "..", "x" * 300, "\u7532" * 300, "a\nb"])
def test_rejected_rows_are_written_into_their_folder_whatever_the_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "mine.csv").write_text("precious")
    place = tmp_path / "deep" / "rejected"
    path = write(REJECTED, name, place)
    assert path.parent == place
    assert [p.name for p in place.iterdir()] == [path.name]
    assert (tmp_path / "mine.csv").read_text() == "precious"


def test_a_place_for_rejected_rows_that_is_a_file_is_refused_before_the_load(tmp_path: Path) -> None:
    (tmp_path / "rejected").write_text("")
    with pytest.raises(InputError, match=r"the folder .*rejected cannot be made"):
        require_place(tmp_path / "rejected")
    require_place(tmp_path / "other")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("id_", "said"),
    [
        ("a\nb", "holds U+000A, which is not printed"),
        ("\x1b[31m", "holds U+001B"),
        ("\u202eabc", "holds U+202E"),
        ("x" * 201, "has 201 characters, and 200 are allowed"),
        (" ", "is empty"),
    ],
)
def test_the_id_of_a_dataset_can_be_typed(tmp_path: Path, id_: str, said: str) -> None:
    with pytest.raises(InputError, match=re.escape(said) + ".*--name NAME"):
        dataset_ids.require(id_)
    assert not dataset_ids.fault("GDSC1 (2019), Zürich/β")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('name: "a\\x1bb"', "line 1: the name .* holds U.001B, which is not printed; give another"),
        ("name: !!int 7", "line 1: .* is a tag, which a manifest has none of; take it out"),
        ("name: !mine x", 'line 1: "!mine" is a tag'),
    ],
)
def test_a_manifest_has_a_plain_name(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "manifest.yaml"
    path.write_text(f"{line}\nresponses:\n  file: responses.csv\n")
    with pytest.raises(InputError, match=said):
        read_manifest(path)


def test_a_manifest_does_not_read_one_column_as_two(tmp_path: Path) -> None:
    path = tmp_path / "manifest.yaml"
    path.write_text(
        "responses:\n  file: r.csv\n  columns:\n    drug: Name\n    cell_line: name\n    auc: auc\n"
    )
    with pytest.raises(
        InputError, match=r'line 5: drug and cell_line .* are both "name"; name one column each'
    ):
        read_manifest(path)


@pytest.mark.parametrize("kind", ["pipe", "folder", "link to nothing", "loop"])
@pytest.mark.parametrize("name", ["responses.csv", "Expression.tsv", "drugs.parquet"])
def test_what_is_called_like_a_part_and_is_no_file_is_not_passed_over(
    tmp_path: Path, kind: str, name: str
) -> None:
    place = folder(tmp_path) / name
    place.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "folder":
        place.mkdir()
    else:
        place.symlink_to(place if kind == "loop" else tmp_path / "gone")
    with pytest.raises(InputError, match=f"{name} is a (pipe|folder|link).*; put a file in its place"):
        check_tables(tmp_path)


def test_of_many_files_that_are_not_read_some_are_told(tmp_path: Path) -> None:
    folder(tmp_path)
    for n in range(60):
        (tmp_path / f"f{n}.csv").write_text("x,y\n1,2\n")
    notes = [note for note in check_tables(tmp_path).screen.notes if note.startswith("not read")]
    assert len(notes) == 21
    assert notes[-1] == f"not read: 40 more files of {tmp_path.name}, for like reasons"


def test_a_column_of_words_in_a_wide_table_is_no_cell_line(tmp_path: Path) -> None:
    text = wide("gene", ["description", *LINES])
    expression = re.sub(r"^([A-Z0-9]+),[0-9.]+", r"\1,a gene", text, flags=re.MULTILINE)
    folder(tmp_path, expression=expression)
    with pytest.raises(RowError, match=r'row 2, column description: "a gene" is not a number'):
        tables.read(tmp_path, Rejections())
    rejections = Rejections(keep_going=True)
    bundle = tables.read(tmp_path, rejections)
    assert bundle.nodes["CellLine"].column("name").to_pylist() == sorted(LINES)
    assert ("description", "column without a number") in [(r.value, r.reason) for r in rejections.rejected]


def test_a_column_without_a_name_in_a_wide_table_is_refused(tmp_path: Path) -> None:
    folder(tmp_path, expression=wide("gene", ["", *LINES]))
    with pytest.raises(InputError, match=r"expression.csv: column 2 has values and no name; name it"):
        check_tables(tmp_path)


def test_a_wide_table_with_decimal_commas_is_said_to_be_that(tmp_path: Path) -> None:
    folder(tmp_path, expression=wide("gene", LINES).replace(",", ";").replace(".", ","))
    with pytest.raises(
        InputError, match=r'as a wide table it has "[0-9,]+" in column A375, which .* decimal comma'
    ):
        check_tables(tmp_path)


@pytest.mark.parametrize("word", ["NA", "n/a", "None", "unknown", "-", "#N/A", "NaN"])
def test_a_word_for_nothing_is_no_tissue_and_no_mechanism(tmp_path: Path, word: str) -> None:
    cells = "cell_line,tissue,depmap_id\n" + "".join(f"{line},{word},{word}\n" for line in LINES[1:])
    drugs = "drug,smiles,mechanism\n" + "".join(f"{d},{s},{word}\n" for d, s in DRUGS.items())
    folder(tmp_path, cells=cells + "A375,skin,ACH-000219\n", drugs=drugs)
    bundle = tables.read(tmp_path, Rejections())
    lines = {row["name"]: row for row in bundle.nodes["CellLine"].to_pylist()}
    assert [lines[line]["tissue"] for line in LINES] == ["skin", None, None, None]
    assert lines["A375"]["depmap_id"] == "ACH-000219"
    assert lines["MCF7"]["depmap_id"] is None
    assert set(bundle.nodes["Drug"].to_pydict().get("mechanism", [None])) == {None}


def test_a_drug_whose_smiles_is_na_has_no_structure(tmp_path: Path) -> None:
    folder(tmp_path, drugs=STRUCTURES.replace("CCO", "NA"))
    bundle = tables.read(tmp_path, Rejections())
    assert bundle.nodes["Drug"].column("name").to_pylist() == ["Gefitinib", "Imatinib"]
    assert any("no structure" in note and "Erlotinib" in note for note in bundle.notes)


def test_a_name_has_a_length(tmp_path: Path) -> None:
    folder(tmp_path, responses=RESPONSES + "A" * 600 + ",A375,1\n")
    with pytest.raises(
        RowError, match=r"row 14, column drug: .* has 600 characters, and 500 are allowed; shorten it"
    ):
        tables.read(tmp_path, Rejections())


def test_a_value_beyond_all_bounds_is_told_in_a_few_signs(tmp_path: Path) -> None:
    folder(tmp_path, responses=RESPONSES + "Erlotinib,PC-3,1e308\n")
    with pytest.raises(RowError, match=r'"1e\+308" is 10\^4.343e\+307 M; correct it'):
        tables.read(tmp_path, Rejections())


def test_a_table_of_very_many_columns_is_checked_in_time(tmp_path: Path) -> None:
    names = "".join(f",x{n}" for n in range(5_000))
    head, *rest = RESPONSES.splitlines()
    folder(tmp_path, responses="\n".join([head + names, *(row + "," * 5_000 for row in rest)]))
    found = check_tables(tmp_path)
    rows = [row["name"] for row in found.rows() if row["what"] == "column" and row["detail"] == "not read"]
    assert len(rows) == 51
    assert rows[-1] == "4,950 more columns"


@pytest.mark.parametrize(
    ("name", "said"),
    [("S\x1b1", "holds the control character U+001B"), ("S" * 501, "has 501 characters, and 500")],
)
def test_the_name_of_a_gene_set_is_a_name(tmp_path: Path, name: str, said: str) -> None:
    path = tmp_path / "sets.gmt"
    path.write_text(f"ok\td\tEGFR\n{name}\td\tEGFR\n")
    none, genes = Names("drug", {}, str), Names("gene", {"EGFR": ["EGFR"]}, str)
    known = Known(none, none, frozenset({"EGFR"}), genes)
    with pytest.raises(RowError, match=rf"sets.gmt, row 2: .*{re.escape(said)}"):
        pathways.read(path, known, Rejections())
