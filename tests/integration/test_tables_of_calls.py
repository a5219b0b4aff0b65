"""A table of 0 and 1 alone is no expression, and EGFR (1956) is EGFR wherever a gene is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pharmagraph import ingest
from pharmagraph.kg.names import without_id
from pharmagraph.kg.store import open_store
from tests.cli.typed import typed

PAIRS = "drug,cell_line,ln_ic50\nA,X,1\nA,Y,2\nB,X,2\nB,Y,0\n"
DRUGS = "drug,smiles\nA,CCO\nB,CCN\n"
LINES = "cell_line,depmap_id,cosmic_id\nX,ACH-000001,905901\nY,ACH-000002,905902\n"
LONG = "cell_line,gene,value\nX,BRAF,1\nY,BRAF,0\nX,KRAS,0\nY,KRAS,1\n"
WIDE = "gene,X,Y\nBRAF,1,0\nKRAS,0,1\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "lab"
    place.mkdir()
    (place / "responses.csv").write_text(PAIRS)
    (place / "drugs.csv").write_text(DRUGS)
    (place / "cells.csv").write_text(LINES)
    return place


def mutated(store: str) -> set[tuple[str, str]]:
    with open_store(store) as graph:
        rows = graph.read_edges("MUTATED", ("CellLine", "Gene"), ["src", "dst"]).to_pylist()
        assert not graph.counts()["CellLine-EXPRESSES-Gene"]
    return {(row["src"], row["dst"]) for row in rows}


@pytest.mark.parametrize("text", [LONG, LONG.replace("1", "1.0"), LONG.replace(",0\n", ",NA\n"), WIDE])
def test_calls_named_as_expression_are_refused_with_the_line_that_reads_them(folder: Path, text: str) -> None:
    (folder / "expression.csv").write_text(text)
    ran = typed("ingest", "tables", str(folder), "--check")
    found = re.search(r"write in manifest.yaml (mutations: \{.*?\}?\}) \(cli", ran.stderr)
    assert ran.returncode == 1 and found is not None, ran.stderr
    assert "has no values but 0 and 1" in ran.stderr
    parts = ["responses", "drugs", "cells"]
    lines = [f"{part.replace('cells', 'cell_lines')}: {{file: {part}.csv}}" for part in parts]
    (folder / "manifest.yaml").write_text("\n".join([*lines, found[1], ""]))
    store = f"ladybug://{folder / 'a.lbug'}"
    ran = typed("ingest", "tables", str(folder), "--store", store, "--quiet")
    assert ran.returncode == 0, ran.stderr
    assert mutated(store) == {("X", "BRAF"), ("Y", "KRAS")}


@pytest.mark.parametrize("wide", [True, False])
def test_the_manifest_that_init_writes_has_them_as_mutations(folder: Path, wide: bool) -> None:
    (folder / "expression.csv").write_text(WIDE if wide else LONG)
    assert typed("ingest", "tables", str(folder), "--init").returncode == 0
    store = f"ladybug://{folder / 'a.lbug'}"
    ran = typed("ingest", "tables", str(folder), "--store", store, "--quiet")
    assert ran.returncode == 0, ran.stderr
    assert mutated(store) == {("X", "BRAF"), ("Y", "KRAS")}


def test_two_tables_of_calls_beside_a_screen_are_named_and_load_afterwards(folder: Path) -> None:
    for name, ids in (("by_depmap", ("ACH-000001", "ACH-000002")), ("by_cosmic", ("905901", "905902"))):
        rows = [
            f"{id_},{gene} ({n}),1\n"
            for n, (id_, gene) in enumerate(zip(ids, ("BRAF", "KRAS"), strict=True), 1)
        ]
        (folder / f"{name}.csv").write_text("cell_line,gene,value\n" + "".join(rows))
    store = f"ladybug://{folder / 'a.lbug'}"
    ran = typed("ingest", "tables", str(folder), "--store", store, "--quiet")
    assert ran.returncode == 0 and ran.stdout.count("has no values but 0 and 1") == 2
    for command in re.findall(r"cli (ingest omics \S+ --kind \w+)", ran.stdout):
        done = typed(*command.split(), "--new-genes", "--store", store, "--quiet")
        assert done.returncode == 0, done.stderr
        assert mutated(store) == {("X", "BRAF"), ("Y", "KRAS")}


@pytest.mark.parametrize(
    "text",
    [
        "cell_line,gene,value\nX,EGFR,1\nY,EGFR,0\nX,TP53,0.5\nY,TP53,1\n",
        "cell_line,gene,tpm\nX,EGFR,1\nY,EGFR,0\nX,TP53,0\nY,TP53,1\n",
        "cell_line,gene,value\n"
        + "".join(f"X,G{n},0\nY,G{n},{n // 29}\n" for n in range(30))
        + "X,G30,2\nY,G30,1\n",
    ],
)
def test_expression_is_expression(folder: Path, text: str) -> None:
    (folder / "levels.csv").write_text(text)
    ran = typed("ingest", "tables", str(folder), "--check")
    assert "expression in long form (levels.csv)" in ran.stderr, ran.stderr


@pytest.mark.parametrize(
    ("written", "symbol"),
    [
        ("EGFR (1956)", "EGFR"), ("EGFR|1956", "EGFR"), ("EGFR (ENSG00000146648)", "EGFR"),
        ("EGFR (ENSG00000146648.12)", "EGFR"), ("EGFR(1956)", "EGFR"), ("EGFR", "EGFR"), ("HLA-A", "HLA-A"),
        ("ENSG00000146648.12", "ENSG00000146648"), ("(1956)", "(1956)"), ("|5", "|5"),
    ],
)  # fmt: skip
def test_a_gene_without_the_id_beside_it(written: str, symbol: str) -> None:
    assert without_id(written) == symbol


@pytest.mark.parametrize("form", ["{} (1956)", "{}|1956", "{} (ENSG00000146648)"])
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("table", ["targets", "long omics", "wide omics", "wide omics turned"])
def test_a_gene_beside_an_id_is_its_symbol_in_every_table(
    folder: Path, form: str, known: bool, table: str
) -> None:
    """Known to the graph or new to it."""
    if known:
        (folder / "expression.csv").write_text("cell_line,gene,value\nX,EGFR,1.5\nY,EGFR,2\n")
    store = f"ladybug://{folder / 'a.lbug'}"
    ingest.tables(store, folder)
    gene = form.format("EGFR")
    file = folder / "more.csv"
    if table == "targets":
        file.write_text(f"drug,gene\nA,{gene}\n")
        ingest.targets(store, file, new_genes=not known)
        edges = ("TARGETS", ("Drug", "Gene"))
    else:
        file.write_text(
            {
                "long omics": f"cell_line,gene,value\nX,{gene},1\n",
                "wide omics": f"gene,X,Y\n{gene},1,0\n",
                "wide omics turned": f",{gene}\nX,1\nY,0\n",
            }[table]
        )
        ingest.omics(store, file, "mutated", new_genes=not known)
        edges = ("MUTATED", ("CellLine", "Gene"))
    with open_store(store) as graph:
        assert graph.read_edges(*edges, ["dst"])["dst"].to_pylist() == ["EGFR"]
        assert graph.read_nodes("Gene", ["id"])["id"].to_pylist() == ["EGFR"]


@pytest.mark.parametrize("long", [True, False])
def test_a_gene_beside_an_id_is_its_symbol_in_every_layer_of_a_manifest(folder: Path, long: bool) -> None:
    text = (
        "cell_line,gene,value\nX,EGFR (1956),2\nY,EGFR (1956),-2\n"
        if long
        else "gene,X,Y\nEGFR (1956),2,-2\n"
    )
    (folder / "ratios.csv").write_text(text)
    how = "columns: {cell_line: cell_line, gene: gene, value: value}" if long else "layout: wide"
    (folder / "manifest.yaml").write_text(
        f"responses: {{file: responses.csv}}\ndrugs: {{file: drugs.csv}}\ncopy_number: {{file: ratios.csv, {how}}}\n"
    )
    store = f"ladybug://{folder / 'a.lbug'}"
    ingest.tables(store, folder)
    with open_store(store) as graph:
        assert graph.read_nodes("Gene", ["id"])["id"].to_pylist() == ["EGFR"]
