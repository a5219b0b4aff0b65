"""Gene effects become edges, whichever way the table lies; what is left out is counted."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from pharmagraph import ingest
from pharmagraph.kg.errors import InputError, RowError
from pharmagraph.kg.store import GraphStore, open_store

EFFECTS = pd.DataFrame(
    {
        "BRAF (673)": [-1.5, 0.1, -0.9],
        "EGFR (1956)": [-0.5, -0.51, None],
        "OLD (7157)": [0.2, -2.0, -0.6],  # TP53 by its Entrez id
        "NOTHERE (99)": [-1.0, -1.0, -1.0],
    },
    index=["ACH-000219", "ACH-000681", "ACH-999999"],
)
BELOW = {("A375", "BRAF", -1.5), ("A549", "EGFR", -0.51), ("A549", "TP53", -2.0)}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[GraphStore]:
    with open_store(f"ladybug://{tmp_path}/graph.lbug") as graph:
        graph.create_schema()
        lines = {"id": ["A375", "A549"], "name": ["A375", "A549"], "depmap_id": ["ACH-000219", "ACH-000681"]}
        graph.upsert_nodes("CellLine", pa.table(lines))
        graph.upsert_nodes(
            "Gene", pa.table({"id": ["BRAF", "EGFR", "TP53"], "entrez_id": [None, None, 7157]})
        )
        yield graph


def write(folder: Path, form: str, effects: pd.DataFrame = EFFECTS) -> Path:
    path = folder / f"CRISPRGeneEffect.{form}"
    if "transposed" in form:
        effects = effects.T
    if form.endswith("parquet"):
        effects.to_parquet(path)
    else:
        effects.to_csv(path, compression="gzip" if form.endswith("gz") else None)
    return path


def stored(graph: GraphStore) -> set[tuple[str, str, float]]:
    rows = graph.read_edges("DEPENDS_ON", ("CellLine", "Gene"), ["src", "dst", "effect"]).to_pylist()
    return {(row["src"], row["dst"], row["effect"]) for row in rows}


@pytest.mark.parametrize("form", ["csv", "csv.gz", "transposed.csv", "parquet", "transposed.parquet"])
def test_effects_below_the_threshold_become_edges(store: GraphStore, tmp_path: Path, form: str) -> None:
    report = ingest.dependencies(store, write(tmp_path, form))
    assert stored(store) == BELOW
    notes = "\n".join(report.bundle.notes)
    assert "3 of 6 effects are below -0.5 and became edges, of 2 cell lines and 3 genes" in notes
    assert "cell lines that are not in the graph: 1 (ACH-999999)" in notes
    assert "genes that are not in the graph (new_genes=True adds them): 1 (NOTHERE)" in notes
    assert not ingest.dependencies(store, tmp_path / f"CRISPRGeneEffect.{form}").changed


def test_all_effects_and_another_threshold(store: GraphStore, tmp_path: Path) -> None:
    path = write(tmp_path, "csv")
    ingest.dependencies(store, path, keep_all=True)
    assert stored(store) == BELOW | {
        ("A375", "EGFR", -0.5), ("A375", "TP53", 0.2), ("A549", "BRAF", 0.1),
    }  # fmt: skip
    report = ingest.dependencies(store, path, below=-1)
    assert stored(store) == {("A375", "BRAF", -1.5), ("A549", "TP53", -2.0)}
    assert report.table.set_index("kind")["removed"]["DEPENDS_ON"] == 4


def test_genes_are_added_with_their_entrez_id_when_asked(store: GraphStore, tmp_path: Path) -> None:
    report = ingest.dependencies(store, write(tmp_path, "csv"), new_genes=True)
    assert stored(store) == BELOW | {("A375", "NOTHERE", -1.0), ("A549", "NOTHERE", -1.0)}
    genes = {row["id"]: row["entrez_id"] for row in store.read_nodes("Gene").to_pylist()}
    assert genes == {"BRAF": None, "EGFR": None, "TP53": 7157, "NOTHERE": 99}
    assert "are new to the graph: 1 (NOTHERE)" in "\n".join(report.bundle.notes)
    assert not ingest.dependencies(store, tmp_path / "CRISPRGeneEffect.csv", new_genes=True).changed


def test_lines_are_found_by_name_too(store: GraphStore, tmp_path: Path) -> None:
    path = write(tmp_path, "csv", EFFECTS.rename(index={"ACH-000219": "A-375", "ACH-000681": "a549"}))
    ingest.dependencies(store, path)
    assert stored(store) == BELOW


def test_a_gene_in_two_columns_is_left_out_and_named(store: GraphStore, tmp_path: Path) -> None:
    report = ingest.dependencies(
        store, write(tmp_path, "csv", EFFECTS.assign(**{"TP53": [-3.0, -3.0, -3.0]}))
    )
    assert stored(store) == {e for e in BELOW if e[1] != "TP53"}
    assert "stand in several columns, and are left out: 2 (OLD (7157), TP53)" in "\n".join(
        report.bundle.notes
    )


def test_columns_that_are_no_genes_are_left_out_and_named(store: GraphStore, tmp_path: Path) -> None:
    report = ingest.dependencies(
        store, write(tmp_path, "csv", EFFECTS.assign(**{"a b": 1.0, "12 (12)": -1.0})), new_genes=True
    )
    assert "do not have the form of a gene, and are left out: 2 (12 (12), a b)" in "\n".join(
        report.bundle.notes
    )


def test_two_rows_of_one_line_are_refused(store: GraphStore, tmp_path: Path) -> None:
    path = write(tmp_path, "csv", EFFECTS.rename(index={"ACH-999999": "A-375"}))
    with pytest.raises(
        InputError, match="ACH-000219 and A-375 are the same cell line of the graph, A375; keep one"
    ):
        ingest.dependencies(store, path)
    assert not stored(store)


def test_a_graph_without_depmap_ids_names_the_command_that_loads_them(tmp_path: Path) -> None:
    with open_store(f"ladybug://{tmp_path}/bare.lbug") as graph:
        graph.create_schema()
        graph.upsert_nodes("CellLine", pa.table({"id": ["A375"], "name": ["A375"]}))
        graph.upsert_nodes("Gene", pa.table({"id": ["BRAF"]}))
        with pytest.raises(InputError, match="load them with cli ingest cells FILE, then run this again"):
            ingest.dependencies(graph, write(tmp_path, "csv"))


def test_a_cell_that_is_no_number_is_named_and_can_be_rejected(store: GraphStore, tmp_path: Path) -> None:
    path = write(tmp_path, "csv")
    path.write_text(path.read_text().replace("-2.0", "low"))
    with pytest.raises(RowError, match=r'row 3, column OLD \(7157\): "low" is not a number or empty'):
        ingest.dependencies(store, path)
    assert not stored(store)
    report = ingest.dependencies(store, path, reject_rows=True)
    assert stored(store) == BELOW - {("A549", "TP53", -2.0)} and len(report.rejected) == 1


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("x.csv", b"", "is empty"),
        ("x.csv", b"cell_line\nACH-000219\n", "has one column"),
        ("x.csv", b",BRAF (673),BRAF (673)\nACH-000219,-1,-1\n", r'"BRAF \(673\)" is there 2 times'),
        ("x.csv", b"m\xe9o,x", "is not UTF-8 text"),
        ("x.csv", b",NOBODY,NOONE\nACH-000219,-1,-1\n", "names no gene of the graph"),
        ("x.csv", b",BRAF,EGFR\nACH-111111,-1,-1\n", "names no cell line of the graph"),
        ("x.csv", b",BRAF,EGFR\nACH-000219,0,0\n", "has no effect below -0.5; pass keep_all=True"),
        (
            "x.csv.gz",
            gzip.compress(b",BRAF,EGFR\nACH-000219,-1,-1\n", mtime=0)[:30],
            "cannot be read to its end",
        ),
        ("x.parquet", b"PAR1", "is no whole Parquet file"),
        ("x.parquet", b"", "is empty"),
    ],
)
def test_a_file_that_is_none_is_one_line_and_changes_nothing(
    store: GraphStore, tmp_path: Path, file: str, content: bytes, message: str
) -> None:
    (tmp_path / file).write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        ingest.dependencies(store, tmp_path / file)
    assert "\n" not in str(caught.value) and not store.counts()["Dataset"]


@pytest.mark.parametrize(
    ("effects", "message"),
    [
        (EFFECTS.reset_index().assign(more="x"), "5 columns|6 columns, 2 of texts and 4 of numbers"),
        (EFFECTS.assign(BRAF=float("inf")), "has an infinite number"),
        (EFFECTS.rename(index={"ACH-000681": "ACH-000219"}), 'the row "ACH-000219" is there 2 times'),
        (EFFECTS.iloc[:0], "one column of names and the rest numbers are needed"),
    ],
)
def test_a_parquet_file_of_another_shape_is_one_line(
    store: GraphStore, tmp_path: Path, effects: pd.DataFrame, message: str
) -> None:
    effects.to_parquet(tmp_path / "x.parquet")
    with pytest.raises(InputError, match=message) as caught:
        ingest.dependencies(store, tmp_path / "x.parquet")
    assert "\n" not in str(caught.value)
