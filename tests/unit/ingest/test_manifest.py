"""A manifest says what the files of a folder hold; what it may not say is refused by its line; `--init` writes one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import openpyxl
import pytest

from pharmagraph.ingest.bundle import Bundle
from pharmagraph.ingest.manifest.entries import read_manifest
from pharmagraph.ingest.manifest.write import write_manifest
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.sources import tables
from pharmagraph.kg.errors import InputError
from tests.cli.typed import typed

RESULTS = "Compound;Cell Line;IC50;Plate\nA;X;1.5;1\nA;Y;200;1\nB;X;0.5;2\nC;Z;10;2\n"
STRUCTURES = "Compound\tSMILES\tMOA\nA\tCCO\tx\nB\tCCN\ty\nC\tCCC\tz\n"
RNA = ",tissue,X,Y,Z\nEGFR,t,1,2,300\nTP53 (7157),u,3,1,2\n"
LINES = "Cell Line,Lineage\nX,skin\nY,lung\n"
CALLS = "gene,X,Y,Z\nEGFR,1,0,0\nKRAS,0,1,1\n"
MANIFEST = """\
name: lab
threshold: drug-median
responses:
  file: results.csv
  columns: {drug: Compound, cell_line: cell line, ic50: IC50}
  units: {ic50: nM}
drugs: {file: structures.tsv, columns: {drug: Compound, smiles: SMILES}}
cell_lines: {file: lines.csv, columns: {cell_line: Cell Line, tissue: Lineage}}
expression: {file: rna.csv, layout: wide, rows: gene, unit: tpm, skip: [tissue]}
mutations: {file: calls.csv, layout: wide}
"""
FILES = {
    "results.csv": RESULTS,
    "structures.tsv": STRUCTURES,
    "rna.csv": RNA,
    "lines.csv": LINES,
    "calls.csv": CALLS,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "screen"
    place.mkdir()
    for name, text in FILES.items():
        (place / name).write_text(text)
    return place


def manifest(folder: Path, text: str = MANIFEST) -> Path:
    (folder / "manifest.yaml").write_text(text)
    return folder


def read(folder: Path) -> Bundle:
    return tables.read(folder, Rejections())


def test_files_are_read_as_the_manifest_says(folder: Path) -> None:
    bundle = read(manifest(folder))
    edges = bundle.edges["TESTED_ON", ("Drug", "CellLine")].to_pylist()
    assert {(e["src"], e["dst"]): round(e["ln_ic50"], 9) for e in edges} == {
        (d, c): round(float(np.log(nm / 1000)), 9)
        for d, c, nm in [("A", "X", 1.5), ("A", "Y", 200), ("B", "X", 0.5), ("C", "Z", 10)]
    }
    assert {e["threshold"].split(" ")[0] for e in edges if e["threshold"]} == {"drug-median"}
    assert bundle.name == "lab"
    lines = {row["id"]: row["tissue"] for row in bundle.nodes["CellLine"].to_pylist()}
    assert lines == {"X": "skin", "Y": "lung", "Z": None}
    genes = {row["id"]: row for row in bundle.nodes["Gene"].to_pylist()}
    assert genes.keys() == {"EGFR", "TP53", "KRAS"}
    assert genes["EGFR"]["expression_mean"] == pytest.approx(np.log2([2, 3, 301]).mean(), rel=1e-6)
    mutated = bundle.edges["MUTATED", ("CellLine", "Gene")].to_pylist()
    assert {(e["src"], e["dst"]) for e in mutated} == {("X", "EGFR"), ("Y", "KRAS"), ("Z", "KRAS")}


def test_what_is_given_wins_over_the_manifest(folder: Path) -> None:
    bundle = tables.read(manifest(folder), Rejections(), name="mine", threshold="ln:-7")
    edges = bundle.edges["TESTED_ON", ("Drug", "CellLine")].to_pylist()
    assert bundle.name == "mine"
    assert {e["threshold"].split(" ")[0] for e in edges} == {"ln:-7"}


def test_another_manifest_is_another_checksum(folder: Path) -> None:
    first = read(manifest(folder)).datasets[0].sha256
    assert read(manifest(folder, MANIFEST.replace("nM", "uM"))).datasets[0].sha256 != first
    assert read(manifest(folder)).datasets[0].sha256 == first


def test_a_table_of_mutations_has_a_row_each(folder: Path) -> None:
    (folder / "calls.csv").write_text("line,symbol,call\nX,EGFR,1\nY,KRAS,0\nZ,KRAS,1\nZ,TP53,1\n")
    columns = "columns: {cell_line: line, gene: symbol, value: call}"
    bundle = read(manifest(folder, MANIFEST.replace("calls.csv, layout: wide", f"calls.csv, {columns}")))
    edges = bundle.edges["MUTATED", ("CellLine", "Gene")].to_pylist()
    assert {(e["src"], e["dst"]) for e in edges} == {("X", "EGFR"), ("Z", "KRAS"), ("Z", "TP53")}


def test_a_file_without_columns_has_the_shape_of_its_content(folder: Path) -> None:
    (folder / "long.csv").write_text("drug,cell_line,ln_ic50\nA,X,1\nA,Y,2\nB,X,3\n")
    bundle = read(
        manifest(
            folder,
            "responses: {file: long.csv}\ndrugs: {file: structures.tsv, columns: {drug: Compound, smiles: SMILES}}\n",
        )
    )
    assert bundle.edges["TESTED_ON", ("Drug", "CellLine")].num_rows == 3
    assert any("results.csv is not in manifest.yaml" in note for note in bundle.notes)


def test_a_sheet_of_a_workbook_is_a_file(folder: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.create_sheet("Run 7")
    for line in RESULTS.splitlines():
        sheet.append(line.split(";"))
    book.save(folder / "book.xlsx")
    bundle = read(manifest(folder, MANIFEST.replace("file: results.csv", "file: book.xlsx/Run 7")))
    assert bundle.edges["TESTED_ON", ("Drug", "CellLine")].num_rows == 4


Change = Callable[[str], str]


def swap(old: str, new: str) -> Change:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (swap("columns:", "colums:"), 'line 5: "colums" is not known in responses; did you mean columns?'),
        (swap("cell_lines:", "cells:"), 'line 8: "cells" is not known in a manifest; did you mean cell_lines?'),
        (swap("ic50: IC50", "ln_ic50: IC50"), '"ln_ic50" is not known in columns of responses; did you mean ic50?'),
        (swap("drug: Compound", "drug: Drug"), 'there is no column "Drug"; it has Compound, Cell Line, IC50, Plate'),
        (swap("drug: Compound, ", ""), "line 5: columns of responses has no drug; add drug: NAME"),
        (swap(", ic50: IC50", ""), "columns of responses has none of ic50, auc, response"),
        (swap("nM", "furlongs"), 'line 6: .*"furlongs" is no unit of ic50'),
        (swap("ic50: nM", "ic50: fill-in"), "line 6: the unit of ic50 is still open"),
        (swap("rows: gene", "rows: genes"), 'line 9: "genes" is not known in rows of expression; did you mean gene?'),
        (swap("rows: gene", "rows: fill-in"), "rows of expression is still open; write one of gene, cell_line"),
        (swap("rows: gene", "rows: cell_line"), "manifest.yaml says that down the side are cell lines, and 3 names"),
        (swap("wide, rows", "tall, rows"), '"tall" is not known in layout of expression'),
        (swap("[tissue]", "[tissues]"), "has no column tissues; take it out of skip"),
        (swap("results.csv", "result.csv"), "line 3: result.csv is not a file; screen has calls.csv, lines.csv"),
        (swap("threshold: drug-median", "threshold: z"), 'line 2: .*threshold "z": "" is not'),
        (swap("mutations:", "copy_number:"), "line 10: copy_number is no part of a screen; load it"),
        (swap("name: lab", "name: lab\nname: two"), 'line 2: "name" is there twice; keep one'),
        (swap("name: lab", "name: &a lab"), "line 1: a name that begins with & or [*] is a reference"),
        (swap("name: lab", "name: [a, b]"), "line 1: name is one value, not a list"),
        (swap("name: lab", "name:"), "line 1: name is empty"),
        (swap("name: lab", "name: lab\n---"), "a second document begins; keep one"),
        (swap("{drug: Compound, cell", "{drug: {drug: {drug: {a: {b: {c: {d: {e: Compound}}}}}}}, cell"), "too deep"),
        (swap("name: lab", "name: {lab"), "this is no YAML"),
        (swap("name: lab", "name: lab\n\tthreshold: x"), "this is no YAML"),
        (lambda text: text[text.index("drugs:") :], "names no responses; add responses: file"),
        (lambda text: "", "nothing is to be loaded; name a file"),
        (lambda text: "- a\n- b\n", "a manifest needs lines below it"),
        (lambda text: "responses:\n", "responses needs lines below it"),
        (lambda text: "responses: {columns: {drug: a}}\n", "responses names no file; add file: NAME"),
    ],
)  # fmt: skip
def test_what_a_manifest_may_not_say_is_named_by_its_line(folder: Path, change: Change, said: str) -> None:
    with pytest.raises(InputError, match=said) as error:
        read(manifest(folder, change(MANIFEST)))
    assert "\n" not in str(error.value)


def test_words_stay_the_texts_that_they_are(folder: Path) -> None:
    (folder / "results.csv").write_text(
        RESULTS.replace("Compound", "NO").replace("IC50", "1e5").replace("Cell Line", "007")
    )
    columns = "{drug: NO, cell_line: 007, ic50: 1e5}"
    text = MANIFEST.replace("{drug: Compound, cell_line: cell line, ic50: IC50}", columns)
    assert read(manifest(folder, text)).edges["TESTED_ON", ("Drug", "CellLine")].num_rows == 4


def test_a_manifest_is_made_of_guesses_and_loads_once_it_is_filled_in(folder: Path) -> None:
    path, guesses = write_manifest(folder)
    text = path.read_text()
    assert [g.part for g in guesses.parts] == ["responses", "drugs", "cells", "expression", "mutations"]
    assert guesses.n_open == 2 == text.count(": fill-in")
    assert all("#" in line for line in text.splitlines() if ": fill-in" in line)
    with pytest.raises(InputError, match=r"line \d+: the unit of ic50 is still open"):
        read(folder)
    path.write_text(text.replace("ic50: fill-in", "ic50: nM").replace("unit: fill-in", "unit: tpm"))
    made = read(folder)
    said = read(manifest(folder, MANIFEST.replace("name: lab\n", "").replace("threshold: drug-median\n", "")))
    assert {k: t.to_pylist() for k, t in made.edges.items()} == {
        k: t.to_pylist() for k, t in said.edges.items()
    }


def test_a_manifest_is_never_overwritten(folder: Path) -> None:
    write_manifest(folder)
    (folder / "manifest.yaml").write_text("mine")
    with pytest.raises(InputError, match="is there and is not overwritten"):
        write_manifest(folder)
    assert (folder / "manifest.yaml").read_text() == "mine"
    assert sorted(p.name for p in folder.iterdir()) == sorted([*FILES, "manifest.yaml"])


def test_names_of_files_and_columns_stay_what_they_are_in_a_manifest(folder: Path) -> None:
    odd = "# a: b, [c] 'd'.csv"
    (folder / "results.csv").rename(folder / odd)
    (folder / odd).write_text(RESULTS.replace("Compound", "Drug").replace("Cell Line", "cell: line #2"))
    (folder / odd).write_text((folder / odd).read_text().replace("cell: line #2", "Cell  line"))
    path, _ = write_manifest(folder)
    path.write_text(
        path.read_text().replace("ic50: fill-in", "ic50: nM").replace("unit: fill-in", "unit: tpm")
    )
    assert read_manifest(path).entries[0].path == folder / odd
    assert read(folder).edges["TESTED_ON", ("Drug", "CellLine")].num_rows == 4


def test_a_folder_of_nothing_has_no_manifest(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello\n")
    with pytest.raises(InputError, match=r"no file that may be part of a screen; notes\.txt: nothing tells"):
        write_manifest(tmp_path)
    with pytest.raises(InputError, match="is not a folder"):
        write_manifest(tmp_path / "notes.txt")
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


def test_the_command_writes_checks_and_loads(folder: Path) -> None:
    ran = typed("ingest", "tables", str(folder), "--init")
    assert ran.returncode == 0 and "2 lines are to be filled in" in ran.stderr
    assert typed("ingest", "tables", str(folder), "--init").returncode == 1
    ran = typed("ingest", "tables", str(folder), "--check")
    assert ran.returncode == 1 and "still open" in ran.stderr and ran.stdout == ""
    manifest(folder)
    ran = typed("ingest", "tables", str(folder), "--check", "--format", "csv")
    assert ran.returncode == 0 and "column,results.csv" not in ran.stdout
    assert "column,screen/results.csv,IC50,,read as ln_ic50" in ran.stdout
    assert list(folder.parent.iterdir()) == [folder]
